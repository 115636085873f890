package telemetry

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/pkg/header"
)

const (
	longID  = "463ac35c9f6413ad48485a3953bb6124"
	shortID = "48485a3953bb6124"
	parent  = "0020000000000001"
)

// TestB3 sends each form of the headers through all steps of a service: extract, start a span, inject for the next hop.
func TestB3(t *testing.T) {
	t.Parallel()
	const fresh = "a new trace"
	padded := "0000000000000000" + shortID
	for name, c := range map[string]struct {
		in      map[string]string
		traceID string
		sampled bool   // by this service, whose own sampler samples everything
		flags   string // x-b3-flags for the next hop; x-b3-sampled is then absent
	}{
		"nothing":                          {nil, fresh, true, ""},
		"multi, sampled":                   {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "1"}, longID, true, ""},
		"multi, not sampled":               {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "0"}, longID, false, ""},
		"multi, 64 bits":                   {map[string]string{"x-b3-traceid": shortID, "x-b3-spanid": parent, "x-b3-sampled": "1"}, padded, true, ""},
		"multi, upper case":                {map[string]string{"x-b3-traceid": strings.ToUpper(longID), "x-b3-spanid": "00200000000000AB", "x-b3-sampled": "1"}, longID, true, ""},
		"multi, words of old senders":      {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "false"}, longID, false, ""},
		"multi, true":                      {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "True"}, longID, true, ""},
		"multi, no decision: decide here":  {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent}, longID, true, ""},
		"multi, odd decision: decide here": {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "maybe"}, longID, true, ""},
		"multi, debug":                     {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-flags": "1"}, longID, true, "1"},
		"multi, debug goes before 0":       {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-flags": "1", "x-b3-sampled": "0"}, longID, true, "1"},
		"multi, flags that say nothing":    {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-flags": "0", "x-b3-sampled": "0"}, longID, false, ""},
		"bare 0":                           {map[string]string{"x-b3-sampled": "0"}, fresh, false, ""},
		"bare 1":                           {map[string]string{"x-b3-sampled": "1"}, fresh, true, ""},
		"bare debug":                       {map[string]string{"x-b3-flags": "1"}, fresh, true, "1"},
		"trace id alone":                   {map[string]string{"x-b3-traceid": longID}, fresh, true, ""},
		"span id alone":                    {map[string]string{"x-b3-spanid": parent}, fresh, true, ""},
		"trace id too short":               {map[string]string{"x-b3-traceid": longID[1:], "x-b3-spanid": parent, "x-b3-sampled": "1"}, fresh, true, ""},
		"trace id not hex":                 {map[string]string{"x-b3-traceid": "g" + longID[1:], "x-b3-spanid": parent, "x-b3-sampled": "1"}, fresh, true, ""},
		"trace id zero":                    {map[string]string{"x-b3-traceid": strings.Repeat("0", 32), "x-b3-spanid": parent, "x-b3-sampled": "1"}, fresh, true, ""},
		"span id zero":                     {map[string]string{"x-b3-traceid": longID, "x-b3-spanid": strings.Repeat("0", 16), "x-b3-sampled": "1"}, fresh, true, ""},
		"broken id, decision holds":        {map[string]string{"x-b3-traceid": "broken", "x-b3-spanid": parent, "x-b3-sampled": "0"}, fresh, false, ""},
		"single, sampled":                  {map[string]string{"b3": longID + "-" + parent + "-1"}, longID, true, ""},
		"single, not sampled":              {map[string]string{"b3": longID + "-" + parent + "-0"}, longID, false, ""},
		"single, debug":                    {map[string]string{"b3": longID + "-" + parent + "-d"}, longID, true, "1"},
		"single, 64 bits":                  {map[string]string{"b3": shortID + "-" + parent + "-1"}, padded, true, ""},
		"single, with a parent":            {map[string]string{"b3": longID + "-" + parent + "-0-05e3ac9a4f6e3b90"}, longID, false, ""},
		"single, no decision: decide here": {map[string]string{"b3": longID + "-" + parent}, longID, true, ""},
		"single, 0":                        {map[string]string{"b3": "0"}, fresh, false, ""},
		"single, 1":                        {map[string]string{"b3": "1"}, fresh, true, ""},
		"single, d":                        {map[string]string{"b3": "d"}, fresh, true, "1"},
		"single, upper case":               {map[string]string{"b3": strings.ToUpper(longID) + "-" + parent + "-0"}, longID, false, ""},
		"single, broken":                   {map[string]string{"b3": longID + "-" + parent + "-2"}, fresh, true, ""},
		"single, trailing hyphen":          {map[string]string{"b3": longID + "-" + parent + "-"}, fresh, true, ""},
		"single, broken parent":            {map[string]string{"b3": longID + "-" + parent + "-1-zz"}, fresh, true, ""},
		"single, too many parts":           {map[string]string{"b3": longID + "-" + parent + "-1-" + parent + "-1"}, fresh, true, ""},
		"both: the single goes first":      {map[string]string{"b3": longID + "-" + parent + "-0", "x-b3-traceid": strings.Repeat("1", 32), "x-b3-spanid": parent, "x-b3-sampled": "1"}, longID, false, ""},
		"both: a broken single is skipped": {map[string]string{"b3": "nonsense", "x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "0"}, longID, false, ""},
		"both: a bare 0 goes first":        {map[string]string{"b3": "0", "x-b3-traceid": longID, "x-b3-spanid": parent, "x-b3-sampled": "1"}, fresh, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := http.Header{}
			for key, value := range c.in {
				in.Set(key, value)
			}
			both := newB3(b3.B3SingleHeader | b3.B3MultipleHeader)
			ctx, span := tracer(t).Start(both.Extract(context.Background(), propagation.HeaderCarrier(in)), "server")
			ctx, client := tracer(t).Start(ctx, "client")
			out := http.Header{}
			both.Inject(ctx, propagation.HeaderCarrier(out))

			sc := client.SpanContext()
			if got := sc.TraceID().String(); c.traceID == fresh && strings.EqualFold(got, longID) || c.traceID != fresh && got != c.traceID {
				t.Errorf("trace %s, wanted %s", got, c.traceID)
			}
			if span.SpanContext().IsSampled() != c.sampled || sc.IsSampled() != c.sampled {
				t.Errorf("sampled: server %v, client %v, wanted %v", span.SpanContext().IsSampled(), sc.IsSampled(), c.sampled)
			}
			decision := map[bool]string{true: "1", false: "0"}[c.sampled]
			want := http.Header{"X-B3-Traceid": {sc.TraceID().String()}, "X-B3-Spanid": {sc.SpanID().String()}}
			if c.flags != "" {
				decision = "d"
				want.Set("X-B3-Flags", c.flags)
			} else {
				want.Set("X-B3-Sampled", decision)
			}
			want.Set("B3", sc.TraceID().String()+"-"+sc.SpanID().String()+"-"+decision)
			if d := cmp.Diff(want, out); d != "" {
				t.Errorf("for the next hop (-want +got):\n%s", d)
			}
		})
	}
}

// tracer returns a tracer that samples every trace without a decision.
func tracer(t testing.TB) trace.Tracer {
	sampler, err := newSampler(&SDK{Sampler: "parentbased_always_on"})
	if err != nil {
		t.Fatal(err)
	}
	return sdk.NewTracerProvider(sdk.WithSampler(sampler)).Tracer("test")
}

// TestB3DecidesHere: without a decision, a service whose sampler samples nothing does not sample the trace.
func TestB3DecidesHere(t *testing.T) {
	t.Parallel()
	sampler, err := newSampler(&SDK{Sampler: "parentbased_always_off"})
	if err != nil {
		t.Fatal(err)
	}
	tracer := sdk.NewTracerProvider(sdk.WithSampler(sampler)).Tracer("test")
	for header, sampled := range map[string]bool{longID + "-" + parent: false, longID + "-" + parent + "-1": true, longID + "-" + parent + "-0": false, "1": true} {
		ctx := newB3(b3.B3Unspecified).Extract(context.Background(), propagation.MapCarrier{"B3": header})
		if _, span := tracer.Start(ctx, "x"); span.SpanContext().IsSampled() != sampled {
			t.Errorf("b3: %s: sampled is %v, wanted %v", header, !sampled, sampled)
		}
	}
}

// TestB3AsReference compares both directions with OpenTelemetry's propagator for all headers with complete ids and a decision.
func TestB3AsReference(t *testing.T) {
	t.Parallel()
	theirs := b3.New(b3.WithInjectEncoding(b3.B3SingleHeader | b3.B3MultipleHeader))
	ours := newB3(b3.B3SingleHeader | b3.B3MultipleHeader)
	if d := cmp.Diff(lower(theirs.Fields()), lower(ours.Fields())); d != "" {
		t.Errorf("fields (-theirs +ours):\n%s", d)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := http.Header{}
		traceID := rapid.StringMatching(`[0-9a-f]{16}([0-9a-f]{16})?`).Filter(notZero).Draw(t, "trace")
		spanID := rapid.StringMatching(`[0-9a-f]{16}`).Filter(notZero).Draw(t, "span")
		decision := rapid.SampledFrom([]string{"0", "1", "d"}).Draw(t, "decision")
		if rapid.Bool().Draw(t, "single") {
			in.Set("b3", traceID+"-"+spanID+"-"+decision)
		} else {
			in.Set("x-b3-traceid", traceID)
			in.Set("x-b3-spanid", spanID)
			if decision == "d" {
				in.Set("x-b3-flags", "1")
			} else {
				in.Set("x-b3-sampled", decision)
			}
		}
		want, got := http.Header{}, http.Header{}
		theirs.Inject(theirs.Extract(context.Background(), propagation.HeaderCarrier(in)), propagation.HeaderCarrier(want))
		ours.Inject(ours.Extract(context.Background(), propagation.HeaderCarrier(in)), propagation.HeaderCarrier(got))
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%v (-theirs +ours):\n%s", in, d)
		}
	})
}

func notZero(s string) bool { return strings.Trim(s, "0") != "" }

func lower(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[strings.ToLower(s)] = true
	}
	return set
}

// FuzzB3 looks for headers that break Extract, or make it pass on an invalid id.
func FuzzB3(f *testing.F) {
	f.Add(longID+"-"+parent+"-1", longID, parent, "1", "")
	f.Add("d", "", "", "", "1")
	f.Add("----", "\x00", "é", "true", "1")
	f.Fuzz(func(t *testing.T, single, traceID, spanID, sampled, flags string) {
		in := http.Header{"B3": {single}, "X-B3-Traceid": {traceID}, "X-B3-Spanid": {spanID}, "X-B3-Sampled": {sampled}, "X-B3-Flags": {flags}}
		ctx := newB3(b3.B3Unspecified).Extract(context.Background(), propagation.HeaderCarrier(in))
		ctx, span := tracer(t).Start(ctx, "x")
		out := http.Header{}
		newB3(b3.B3SingleHeader|b3.B3MultipleHeader).Inject(ctx, propagation.HeaderCarrier(out))
		if !span.SpanContext().IsValid() || len(out.Get(header.B3TraceID)) != 32 || len(out.Get(header.B3SpanID)) != 16 {
			t.Fatalf("%q leads to %v", in, out)
		}
	})
}
