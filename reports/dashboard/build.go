package dashboard

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// UID names the dashboard in links: BASE/d/ftadvise?var-run=RUN.
const UID = "ftadvise"

// JSON is the dashboard as Grafana imports it. reportURL, if given, links to a run's
// report; ${run} in it becomes the chosen run.
func JSON(reportURL string) ([]byte, error) {
	//nolint:staticcheck // the second schema asks for Grafana 12 or newer; every Grafana imports this one
	b := sdk.NewDashboardBuilder("ftadvise: full fine-tuning or LoRA").Uid(UID).Tags([]string{"ftadvise"}).
		Description("Calibrations and recommendations of ftadvise.").
		Time("now-1h", "now").Refresh("10s").Timezone(common.TimeZoneBrowser).Readonly().
		Tooltip(sdk.DashboardCursorSyncCrosshair)
	for _, v := range variables() {
		b.WithVariable(v)
	}
	for _, a := range annotations() {
		b.Annotation(a)
	}
	if reportURL != "" {
		b.Link(sdk.NewDashboardLinkBuilder("report").Type(sdk.DashboardLinkTypeLink).Url(reportURL).TargetBlank(true).Tooltip("The report of the chosen run"))
	}
	for _, g := range groups() {
		b.WithRow(sdk.NewRowBuilder(g.title))
		for _, p := range g.panels {
			b.WithPanel(p.build())
		}
	}
	built, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("build dashboard: %w", err)
	}
	out, err := json.MarshalIndent(built, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write dashboard: %w", err)
	}
	return append(out, '\n'), nil
}

// source is the Prometheus that a person picks in the dashboard.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${DS_PROMETHEUS}")}
}

func variables() []cog.Builder[sdk.VariableModel] {
	out := []cog.Builder[sdk.VariableModel]{
		sdk.NewDatasourceVariableBuilder("DS_PROMETHEUS").Label("Prometheus").Type("prometheus"),
	}
	for _, v := range []struct{ name, label, query string }{
		{"device", "device", "label_values(ftadvise_run_info, device)"},
		{"run", "run", `label_values(ftadvise_run_info{device=~"$device"}, run)`},
		{"arm", "arm", `label_values(ftadvise_trial_info{run=~"$run"}, arm)`},
	} {
		out = append(out, sdk.NewQueryVariableBuilder(v.name).Label(v.label).Datasource(source()).
			Query(sdk.StringOrMap{String: cog.ToPtr(v.query)}).Refresh(sdk.VariableRefreshOnTimeRangeChanged).
			Sort(sdk.VariableSortAlphabeticalDesc).Multi(true).IncludeAll(true).AllValue(".*"))
	}
	return out
}

// annotations mark what happens to trials and when advice was given.
func annotations() []cog.Builder[sdk.AnnotationQuery] {
	return []cog.Builder[sdk.AnnotationQuery]{
		sdk.NewAnnotationQueryBuilder().Name("trial ended").Datasource(source()).Enable(true).IconColor("orange").
			Expr(`ftadvise_trial_status{` + ofRun + `,status!~"pending|running"} unless ftadvise_trial_status{` + ofRun + `} offset 30s`).
			TitleFormat("{{trial}}: {{status}}").TagKeys("arm,status").Step("10s"),
		sdk.NewAnnotationQueryBuilder().Name("advice").Datasource(source()).Enable(true).IconColor("green").
			Expr(`ftadvise_recommendation_timestamp_seconds{` + ofRun + `} * 1000`).UseValueForTime(true).TitleFormat("advice for {{run}}"),
	}
}

func (p panel) build() cog.Builder[sdk.Panel] {
	switch p.kind {
	case number, text:
		return p.stat()
	case rows:
		return p.table()
	case lines:
	}
	b := timeseries.NewPanelBuilder().Title(p.title).Description(p.about).Unit(p.unit).Datasource(source()).Span(p.width).Height(p.height).
		LineWidth(2).FillOpacity(4).ShowPoints(common.VisibilityModeNever).SpanNulls(common.BoolOrFloat64{Bool: cog.ToPtr(true)}).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementBottom).Calcs([]string{"lastNotNull", "min"}))
	if p.log {
		b.ScaleDistribution(common.NewScaleDistributionConfigBuilder().Type(common.ScaleDistributionLog).Log(10))
	}
	for i, q := range p.queries {
		b.WithTarget(q.target(i))
	}
	return b
}

func (p panel) stat() cog.Builder[sdk.Panel] {
	b := stat.NewPanelBuilder().Title(p.title).Description(p.about).Unit(p.unit).Datasource(source()).Span(p.width).Height(p.height).
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).NoValue("none yet").
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	if p.kind == text {
		b.TextMode(common.BigValueTextModeName)
	} else {
		b.TextMode(common.BigValueTextModeValueAndName)
	}
	for i, q := range p.queries {
		b.WithTarget(q.target(i))
	}
	return b
}

func (p panel) table() cog.Builder[sdk.Panel] {
	b := table.NewPanelBuilder().Title(p.title).Description(p.about).Datasource(source()).Span(p.width).Height(p.height).
		WithTransformation(sdk.DataTransformerConfig{Id: "labelsToFields", Options: map[string]any{"mode": "columns"}}).
		WithTransformation(sdk.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true, "Value": true, "__name__": true, "instance": true, "job": true}}})
	for i, q := range p.queries {
		b.WithTarget(q.target(i).Instant().Format(prometheus.PromQueryFormatTable))
	}
	return b
}

func (q query) target(i int) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Expr(q.expr).LegendFormat(q.legend).RefId(string(rune('A' + i))).Datasource(source())
}
