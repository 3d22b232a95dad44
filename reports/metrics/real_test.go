//go:build real

package metrics_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"ftadvise/reports/metrics"
)

// A thousand clients at once over real connections: each gets an answer, and memory is
// given back.
func TestRealThousandScrapes(t *testing.T) {
	e := metrics.NewExporter(nil, metrics.Options{Now: start})
	for i := range 1000 {
		run := planned(fmt.Sprintf("run-%04d", i))
		run.CreatedAt = start().Add(time.Duration(i) * time.Minute)
		e.PublishRun(run)
	}
	before := heap()
	addr, cancel, done := serving(t, metrics.ServeOptions{})
	codes := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	client := &http.Client{Timeout: time.Minute}
	for range 1000 {
		all.Go(func() {
			resp, err := client.Get("http://" + addr + "/metrics")
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			mu.Lock()
			codes[resp.StatusCode]++
			mu.Unlock()
		})
	}
	all.Wait()
	client.CloseIdleConnections()
	cancel()
	<-done
	grown := int64(heap()) - int64(before)
	t.Logf("answers %v, heap grown by %d kB", codes, grown/1024)
	if codes[200]+codes[503] != 1000 || codes[200] < 40 || grown > 64<<20 {
		t.Errorf("answers %v, heap grown by %d bytes", codes, grown)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A client that sends its header a byte at a time is cut off.
func TestRealSlowClientIsCutOff(t *testing.T) {
	addr, cancel, _ := serving(t, metrics.ServeOptions{})
	defer cancel()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	for time.Since(began) < 30*time.Second {
		if _, err := conn.Write([]byte("G")); err != nil {
			t.Logf("cut off after %v", time.Since(began).Round(time.Second))
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Error("a slow client was borne for 30 s")
}
