package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// traffic is a folder of runs under one load.
type traffic struct {
	name   string
	quiet  *table
	faults []*fault
}

// fault is one injected issue.
type fault struct {
	name    string
	kind    string // of the target's metric: latency or availability
	began   time.Time
	service string // injected into
	target  string // seen by users
	run     *table
}

// width of an interval; its time is its beginning.
const width = 5 * time.Minute

// table is a run: the services' intervals.
type table struct {
	at       []time.Time
	services []service
}

type service struct {
	name      string
	intervals []interval
}

// interval is what one service did: average and quantiles in seconds. No
// requests means nothing is known.
type interval struct {
	requests                    int
	average, p50, p90, p95, p99 float64
}

// readAll finds every <traffic>/{noissue,train,test} below the folder.
func readAll(folder string) ([]*traffic, error) {
	byPath := map[string]*traffic{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "metrics.csv" {
			return err
		}
		dir := filepath.Dir(path)
		quiet := filepath.Base(dir) == "noissue"
		root := filepath.Dir(dir)
		if !quiet {
			split := filepath.Base(root)
			if split != "train" && split != "test" {
				return nil
			}
			root = filepath.Dir(root)
		}
		t := byPath[root]
		if t == nil {
			t = &traffic{name: filepath.Base(root)}
			byPath[root] = t
		}
		run, err := readTable(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if quiet {
			t.quiet = run
			return nil
		}
		f, err := readTarget(filepath.Join(dir, "target.json"))
		if err != nil {
			return err
		}
		f.name = t.name + "/" + filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		f.run = run
		t.faults = append(t.faults, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(byPath) == 0 {
		return nil, fmt.Errorf("%s: holds no <traffic>/{noissue,train,test}", folder)
	}
	var all []*traffic
	for _, t := range byPath {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *traffic) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

func readTarget(path string) (*fault, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var j struct {
		Target struct {
			Node, Metric string
			Timestamp    float64
		} `json:"target"`
		RootCause struct{ Node string } `json:"root_cause"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &fault{
		kind:    j.Target.Metric,
		began:   time.Unix(int64(j.Target.Timestamp), 0).UTC(),
		service: j.RootCause.Node,
		target:  j.Target.Node,
	}, nil
}

// readTable reads three header rows (service, metric, statistic), a row that
// names the index, and a row for each interval. What is not there is empty.
func readTable(path string) (*table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1 // the index' row is shorter in some
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 4 {
		return nil, fmt.Errorf("%d rows, three of a header are needed and one of the index", len(rows))
	}
	t := &table{}
	byName := map[string]int{}
	for _, row := range rows[4:] {
		seconds, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			return nil, err
		}
		t.at = append(t.at, time.Unix(int64(seconds), 0).UTC())
	}
	for column := 1; column < len(rows[0]); column++ {
		name := rows[0][column]
		at, known := byName[name]
		if !known {
			at = len(t.services)
			byName[name] = at
			t.services = append(t.services, service{name, make([]interval, len(t.at))})
		}
		for i, row := range rows[4:] {
			if column >= len(row) || row[column] == "" {
				continue
			}
			v, err := strconv.ParseFloat(row[column], 64)
			if err != nil {
				return nil, fmt.Errorf("row %d, column %d: %w", i+5, column+1, err)
			}
			t.services[at].intervals[i].set(rows[1][column], rows[2][column], v)
		}
	}
	return t, nil
}

func (iv *interval) set(metric, statistic string, v float64) {
	switch metric + " " + statistic {
	case "requests Sum":
		iv.requests = int(v)
	case "latency Average":
		iv.average = v
	case "latency p50":
		iv.p50 = v
	case "latency p90":
		iv.p90 = v
	case "latency p95":
		iv.p95 = v
	case "latency p99":
		iv.p99 = v
	}
}
