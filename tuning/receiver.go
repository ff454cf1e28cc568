// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

// Receiver is a program that takes audit events, and what it takes by its own
// defaults. All sizes are in bytes, and 0 where no limit is known.
type Receiver struct {
	// Name is how it is called on the command line.
	Name string
	// TakesWebhook is false for a program that cannot make events of what the
	// webhook backend posts; Instead then says what can be done.
	TakesWebhook bool
	Instead      string
	// MaxEventBytes and MaxBodyBytes are of the webhook: one event, one POST.
	MaxEventBytes int64
	MaxBodyBytes  int64
	// MaxLineBytes is of the log file: the longest line that it reads whole.
	MaxLineBytes int64
	// LongLine says what happens to a longer one, and which of its settings
	// raises the limit. Empty without a limit.
	LongLine string
	// Source says where the limits can be read.
	Source string
}

const kib = 1 << 10

// receivers is the table, by name.
var receivers = []Receiver{
	{
		Name:         "elastic",
		Instead:      "have Elastic Agent read the log file, or post to Logstash",
		MaxLineBytes: 0,
		Source:       "elastic/integrations packages/kubernetes/data_stream/audit_logs",
	},
	{
		Name: "falco", TakesWebhook: true,
		MaxEventBytes: 262144, MaxBodyBytes: 12582912,
		Source: "falcosecurity/plugins plugins/k8saudit/README.md, maxEventSize and webhookMaxBatchSize",
	},
	{
		Name: "fluent-bit", TakesWebhook: true,
		MaxBodyBytes: 4 * mib, MaxLineBytes: 32 * kib,
		LongLine: "stops the file from being read, or is skipped with Skip_Long_Lines; Buffer_Max_Size raises it",
		Source:   "fluent/fluent-bit-docs pipeline/inputs/http.md, buffer_max_size, and tail.md, Buffer_Max_Size",
	},
	{
		Name: "fluentd", TakesWebhook: true,
		MaxBodyBytes: 32 * mib,
		Source:       "fluent/fluentd-docs input/http.md, body_size_limit",
	},
	{
		Name:         "logstash",
		TakesWebhook: true,
		MaxBodyBytes: 100 * mib,
		Source:       "logstash-plugins/logstash-input-http docs/index.asciidoc, max_content_length",
	},
	{
		Name:         "loki",
		Instead:      "have Alloy read the log file: its HTTP source makes one line of a whole POST",
		MaxLineBytes: 256 * kib,
		LongLine:     "is discarded, or cut into JSON that is none; limits_config.max_line_size raises it",
		Source:       "grafana/loki docs/sources/shared/configuration.md, max_line_size",
	},
	{
		Name: "otel", TakesWebhook: true,
		MaxBodyBytes: 20 * mib, MaxLineBytes: mib,
		LongLine: "is cut into JSON that is none; max_log_size raises it",
		Source: "go.opentelemetry.io/collector/config/confighttp v0.164.0 server.go, defaultMaxRequestBodySize; " +
			"open-telemetry/opentelemetry-collector-contrib receiver/filelogreceiver/README.md, max_log_size",
	},
	{
		Name: "vector", TakesWebhook: true,
		MaxLineBytes: 102400,
		LongLine:     "is dropped; max_line_bytes raises it",
		Source:       "vectordotdev/vector, file source, max_line_bytes",
	},
}

// LookupReceiver finds a receiver by its name.
func LookupReceiver(name string) (Receiver, bool) {
	for _, r := range receivers {
		if r.Name == name {
			return r, true
		}
	}
	return Receiver{}, false
}

// ReceiverNames lists the receivers that are known, sorted.
func ReceiverNames() []string {
	names := make([]string, len(receivers))
	for i, r := range receivers {
		names[i] = r.Name
	}
	return names
}
