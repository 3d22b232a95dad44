package metrics

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	dto "github.com/prometheus/client_model/go"
)

// ours gathers the ftadvise_ families alone: what the process is doing is of no
// interest after its end.
func (e *Exporter) ours() prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		all, err := e.registry.Gather()
		var out []*dto.MetricFamily
		for _, f := range all {
			if strings.HasPrefix(f.GetName(), "ftadvise_") {
				out = append(out, f)
			}
		}
		return out, err
	})
}

// WriteTextfile writes the metrics for node_exporter's textfile collector, as a whole
// or not at all; the name should end in .prom.
func (e *Exporter) WriteTextfile(path string) error {
	if e.broken != nil {
		return fmt.Errorf("metrics: %w", e.broken)
	}
	if err := prometheus.WriteToTextfile(path, e.ours()); err != nil {
		return fmt.Errorf("metrics to %s: %w", path, err)
	}
	return nil
}

// Push sends the metrics to a Pushgateway, replacing what the same project pushed
// before. A Pushgateway never forgets by itself: one group a project keeps it small,
// and Unpush removes it.
func (e *Exporter) Push(ctx context.Context, url, project string) error {
	if err := pusher(url, project).Gatherer(e.ours()).PushContext(ctx); err != nil {
		return fmt.Errorf("push metrics: %w", err)
	}
	return nil
}

// Unpush removes a project's group from a Pushgateway.
func Unpush(url, project string) error {
	if err := pusher(url, project).Delete(); err != nil {
		return fmt.Errorf("remove pushed metrics: %w", err)
	}
	return nil
}

func pusher(url, project string) *push.Pusher {
	return push.New(url, "ftadvise").Grouping("project", label(project)).Client(&http.Client{Timeout: 10 * time.Second})
}
