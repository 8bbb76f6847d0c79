package persist
import ("testing";"fmt";"os";"bufio";"math/rand/v2";"runtime";"path/filepath";"tradingengine/core";"strings";"time")
func rss() string { b,_:=os.ReadFile("/proc/self/status"); for _,l:=range strings.Split(string(b),"\n"){ if strings.HasPrefix(l,"VmHWM"){return l}}; return ""}
func TestScratch(t *testing.T){
 mode := os.Getenv("MODE")
 var syms []core.Symbol
 nsym := 21
 if mode=="many" { nsym=1000 }
 for i:=range nsym { syms=append(syms, core.NewSymbol(fmt.Sprintf("S%04d",i))) }
 reg,_ := core.NewRegistry(syms)
 dir := os.Getenv("SCRATCH")
 os.MkdirAll(dir,0o755)
 var files []string
 newfile := func(n int) (*bufio.Writer, func()) { p:=filepath.Join(dir,fmt.Sprintf("f%03d.csv",n)); files=append(files,p); f,_:=os.Create(p); w:=bufio.NewWriter(f); fmt.Fprintln(w,"time_ms,symbol,bid,ask"); return w, func(){w.Flush(); f.Close()} }
 at := int64(1767225600000)
 mids := make([]int,nsym); for i:=range mids { mids[i]=10000 }
 switch mode {
 case "dense","many":
  days := 5
  for d:=range days { w,done:=newfile(d); for i:=range 1_000_000 { s:=rand.IntN(nsym); mids[s]+=rand.IntN(3)-1; fmt.Fprintf(w,"%d,S%04d,%d.%02d,%d.%02d\n",at+int64(d)*86400000+int64(i)*86,s,mids[s]/100,mids[s]%100,(mids[s]+2)/100,(mids[s]+2)%100)}; done() }
 case "sparse":
  for d:=range 60 { w,done:=newfile(d); for i:=range 1440 { for s:=range nsym { mids[s]+=rand.IntN(3)-1; fmt.Fprintf(w,"%d,S%04d,%d.%02d,%d.%02d\n",at+int64(d)*86400000+int64(i)*60000,s,mids[s]/100,mids[s]%100,(mids[s]+2)/100,(mids[s]+2)%100)}}; done() }
 }
 if os.Getenv("UNSORTED")!="" { // concat reversed days
   var all []byte
   for i:=len(files)-1;i>=0;i-- { b,_:=os.ReadFile(files[i]); b=b[strings.IndexByte(string(b),'\n')+1:]; all=append(all,b...) }
   p:=filepath.Join(dir,"all.csv"); os.WriteFile(p,append([]byte("time_ms,symbol,bid,ask\n"),all...),0o644); files=[]string{p}; all=nil
 }
 runtime.GC()
 fmt.Println("before", rss())
 s,err := Open(Options{Dir:filepath.Join(dir,"db"),Symbols:reg}); if err!=nil {t.Fatal(err)}
 for n:=range 2 {
 var check time.Duration
 r,err := Import(t.Context(), ImportOptions{Store:s,Files:files,Throttle:core.DefaultThreshold, Progress: func(p ImportProgress){ if p.Done&&p.Checking {check=p.Elapsed}}})
 if err!=nil {t.Fatal(err)}
 fmt.Printf("run %d rows %d stored %d minutes %d took %v (check %v) %.0f rows/s %s\n",n,r.Rows,r.Stored,r.Minutes,r.Took,check,float64(r.Rows)/r.Took.Seconds(),rss())
 }
 s.Close()
}
