package metrics_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports/metrics"
)

func TestTextfileHoldsOurFamiliesAlone(t *testing.T) {
	e, _ := calibrated(t)
	path := filepath.Join(t.TempDir(), "ftadvise.prom")
	if err := e.WriteTextfile(path); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(body, []byte("ftadvise_run_info")) || bytes.Contains(body, []byte("go_goroutines")) {
		t.Errorf("textfile %.200q, %v", body, err)
	}
	if err := e.WriteTextfile(filepath.Join(t.TempDir(), "absent", "x.prom")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func TestPushReplacesTheProjectsGroup(t *testing.T) {
	var seen []string
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.Path+map[bool]string{true: " with metrics"}[len(body) > 100])
		w.WriteHeader(http.StatusAccepted)
	}))
	defer gateway.Close()
	e, _ := calibrated(t)
	if err := e.Push(t.Context(), gateway.URL, "tickets"); err != nil {
		t.Fatal(err)
	}
	if err := metrics.Unpush(gateway.URL, "tickets"); err != nil {
		t.Fatal(err)
	}
	want := []string{"PUT /metrics/job/ftadvise/project/tickets with metrics", "DELETE /metrics/job/ftadvise/project/tickets"}
	if strings.Join(seen, ";") != strings.Join(want, ";") {
		t.Errorf("the gateway saw %q, want %q", seen, want)
	}
}

func TestBackfillHasEveryStep(t *testing.T) {
	run := planned("run-1")
	run.State = evidence.Done
	o := &run.Trials[1].Outcome
	o.Status, o.Steps, o.Seconds = evidence.Completed, 3, 3
	o.TrainLoss = []evidence.Point{{Step: 1, Loss: 3}, {Step: 2, Loss: 2.5}, {Step: 3, Loss: 2}}
	o.EvalLoss = []evidence.Point{{Step: 0, Loss: 3.1}, {Step: 3, Loss: 2.2}}
	var b bytes.Buffer
	if err := metrics.WriteOpenMetrics(&b, run, recommendation("run-1")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		// The fit trial carries no wall time but three steps at 50 ms: the probe begins 0.15 s in.
		`ftadvise_trial_training_loss_nats{arm="full",run="run-1",trial="full.probe"} 2.5 1.79543520215e+09`,
		`ftadvise_trial_eval_loss_nats{arm="full",run="run-1",set="held-out",trial="full.probe"} 3.1 1.79543520015e+09`,
		`ftadvise_trial_steps_total{arm="full",run="run-1",trial="full.probe"} 3.0 `,
		`ftadvise_recommendation_info{answer="lora"`, "# EOF\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in\n%s", want, grep(b.String(), want[:30]))
		}
	}
}

func grep(text, prefix string) string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func TestSMIAnswers(t *testing.T) {
	gpus, err := metrics.ParseSMI("0, NVIDIA H200, 87, 512.33, 61, 24576, 143771\n1, NVIDIA H200, [N/A], [N/A], 35, 0, 143771\n")
	if err != nil || len(gpus) != 2 {
		t.Fatal(gpus, err)
	}
	if g := gpus[0]; g.Utilization != 0.87 || g.PowerWatts != 512.33 || g.UsedBytes != 24<<30 {
		t.Errorf("%+v", g)
	}
	if g := gpus[1]; g.Utilization != -1 || g.TemperatureCelsius != 35 {
		t.Errorf("%+v", g)
	}
	if _, err := metrics.ParseSMI("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"); err == nil {
		t.Error("a failure was read as a GPU")
	}
	e, _ := calibrated(t)
	e.PublishGPUs(gpus)
	body := scrape(t, e)
	if !strings.Contains(body, `ftadvise_gpu_utilization_ratio{gpu="0",name="NVIDIA H200"} 0.87`) || strings.Contains(body, `ftadvise_gpu_power_watts{gpu="1"`) {
		t.Error("sensors are shown wrongly")
	}
}

func FuzzParseSMI(f *testing.F) {
	f.Add("0, NVIDIA H200, 87, 512.33, 61, 24576, 143771\n")
	f.Add("0,\"a\nb\",1e400,-5,nan,inf,0x10\n")
	f.Fuzz(func(t *testing.T, text string) {
		gpus, err := metrics.ParseSMI(text)
		if err != nil {
			return
		}
		metrics.NewExporter(nil, metrics.Options{}).PublishGPUs(gpus)
		for _, g := range gpus {
			if g.Utilization < -1 || g.TotalBytes != g.TotalBytes {
				t.Errorf("%+v", g)
			}
		}
	})
}
