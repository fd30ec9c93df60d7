package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// aside is where samples are moved that cannot be read: somebody may want to look
// at them. Only the newest are kept.
const aside = "unreadable"

// openDB opens the samples of the folder. What cannot be read there, and tsdb
// does not repair, is set aside: rules that begin anew are better than none.
func (s *Store) openDB(log *slog.Logger, o *tsdb.Options) (err error) {
	open := func() error {
		if s.db, err = tsdbOpen(s.dir, log, o); err != nil {
			return err
		}
		if s.opt.Dir == "" {
			return nil
		}
		if err = s.recall(context.Background()); err != nil {
			return errors.Join(err, s.db.Close())
		}
		return nil
	}
	first := open()
	if first == nil || s.opt.Dir == "" || inUse(s.dir) {
		return first
	}
	if err := setAside(s.dir); err != nil {
		return errors.Join(first, err)
	}
	s.table.init(s.opt.MaxSeries)
	if again := open(); again != nil {
		return errors.Join(first, again)
	}
	s.broken = first
	return nil
}

// tsdbOpen makes an error of a panic, which broken files can cause.
func tsdbOpen(dir string, log *slog.Logger, o *tsdb.Options) (db *tsdb.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return tsdb.Open(dir, log, prometheus.NewRegistry(), o, nil)
}

// Broken tells why the samples that lay in the folder were set aside; nil = they
// were not.
func (s *Store) Broken() error { return s.broken }

// inUse tells whether somebody else has the folder open.
func inUse(dir string) bool {
	lock, _, err := fileutil.Flock(filepath.Join(dir, "lock"))
	if err != nil {
		return true // or nobody may write there, which setting aside would not mend
	}
	_ = lock.Release()
	return false
}

func setAside(dir string) error {
	to := filepath.Join(dir, aside)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(dir, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
