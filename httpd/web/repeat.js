// repeat runs an asynchronous task again and again: the next run starts ms after the last one
// ended, so a slow server is never asked twice at once. A page that nobody looks at asks nothing.
// It returns a function that runs the task now.
export function repeat(ms, task) {
  let timer = 0;
  let running = false;

  async function run() {
    clearTimeout(timer);
    if (running) {
      return;
    }
    running = true;
    try {
      await task();
    } finally {
      running = false;
      timer = setTimeout(tick, ms);
    }
  }

  function tick() {
    if (!document.hidden) {
      run();
    }
  }

  document.addEventListener("visibilitychange", tick);
  run();
  return run;
}
