package persist

// While an engine runs, the forming minutes lie in a table of their own: a commit writes all that
// changed, and in the table bar each of them would cost a page. When no engine runs they lie in
// bar, with complete = 0, so that whoever works on the file finds all bars in one place.

// settle does that in a file that is worked on from now on.
func (s *Store) settle() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return settleForming(s.writing.conn)
}

// settleForming moves what an engine left in the table forming to bar. A minute that closed since
// is not there any more, so nothing is overwritten but the same minute as an earlier run left it.
func settleForming(c *conn) error {
	n, err := c.int("SELECT count(*) FROM forming")
	if err != nil || n == 0 {
		return err
	}
	return c.transact(func() error {
		err := c.exec("INSERT OR REPLACE INTO bar (" + barColumns + ") SELECT " + barColumns +
			" FROM forming")
		if err != nil {
			return err
		}
		return c.exec("DELETE FROM forming")
	})
}
