package bolt

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"relay/store/engine"
)

// BenchmarkOptions measures a commit of one small value after a backlog of
// 100,000 bodies of 2 KB has come and gone, and the time to open that file
// again, for the options that open chooses among.
func BenchmarkOptions(b *testing.B) {
	for _, v := range []struct {
		name string
		sync bool
		list bbolt.FreelistType
	}{
		{"hashmap,list unsynced", false, bbolt.FreelistMapType},
		{"hashmap,list synced", true, bbolt.FreelistMapType},
		{"array,list unsynced", false, bbolt.FreelistArrayType},
		{"array,list synced", true, bbolt.FreelistArrayType},
	} {
		b.Run(v.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "x.db")
			opt := &bbolt.Options{NoFreelistSync: !v.sync, FreelistType: v.list, InitialMmapSize: 64 << 30}
			db, err := bbolt.Open(path, 0o600, opt)
			if err != nil {
				b.Fatal(err)
			}
			backlog(b, db)
			b.ResetTimer()
			for i := range b.N {
				put(b, db, uint64(i), 400)
			}
			b.StopTimer()
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			if db, err = bbolt.Open(path, 0o600, opt); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(time.Since(start).Milliseconds()), "open-ms")
			_ = db.Close()
		})
	}
}

func backlog(b *testing.B, db *bbolt.DB) {
	const n, step = 100_000, 500
	value := make([]byte, 2048)
	for i := uint64(0); i < n; i += step {
		err := db.Update(func(tx *bbolt.Tx) error {
			bk, err := tx.CreateBucketIfNotExists([]byte("x"))
			for k := i; k < i+step && err == nil; k++ {
				err = bk.Put(binary.BigEndian.AppendUint64(nil, 1<<40+k), value)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := uint64(0); i < n; i += step {
		err := db.Update(func(tx *bbolt.Tx) (err error) {
			for k := i; k < i+step && err == nil; k++ {
				err = tx.Bucket([]byte("x")).Delete(binary.BigEndian.AppendUint64(nil, 1<<40+k))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func put(b *testing.B, db *bbolt.DB, key uint64, size int) {
	err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("x")).Put(binary.BigEndian.AppendUint64(nil, key%1000), make([]byte, size))
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkUpdate is a durable put of 10 KB from 1, 10 and 50 writers at once.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 10, 50} {
		b.Run(map[int]string{1: "alone", 10: "10 writers", 50: "50 writers"}[writers], func(b *testing.B) {
			db := openTest(b, filepath.Join(b.TempDir(), "x.db"), Options{Appending: []engine.Bucket{0}})
			defer db.Close()
			b.SetParallelism(writers)
			value := make([]byte, 10_240)
			var n uint64
			before, _ := db.Commits()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					err := db.do(func(tx *engine.Tx) error {
						n++
						return tx.Put(0, binary.BigEndian.AppendUint64(nil, n), value)
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			after, _ := db.Commits()
			b.ReportMetric(float64(b.N)/float64(after-before), "puts/commit")
		})
	}
}
