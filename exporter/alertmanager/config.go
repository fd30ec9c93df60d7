package alertmanager

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/foundation-os/otelcol-foundation/internal/strictclient"
)

// highestMaxAlerts is the most alerts that one request may be allowed.
const highestMaxAlerts = 10_000

// Config of the exporter.
type Config struct {
	// ClientConfig is the HTTP client, the same for all Alertmanagers. Of its keys, these have a meaning of their own here:
	//
	// endpoint: not used, see endpoints.
	// timeout: of one request. More than 0. Default 10s. It is the only timeout.
	// compression: none, since Alertmanager reads no other. Default none.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`

	// Endpoints are the base URLs of the Alertmanagers of one cluster, such as http://127.0.0.1:9093, with the
	// route prefix if they have one. Every alert goes to each. Required.
	Endpoints []string `mapstructure:"endpoints"`
	// LabelNames says what becomes of the names of labels and annotations: underscore (service.name becomes
	// service_name; every Alertmanager accepts that) or utf8 (as they are; Alertmanager v0.27 and later). Default underscore.
	LabelNames LabelNames `mapstructure:"label_names"`
	// ResendInterval is the resend_interval of alert_rules, or more. A firing alert that is not told again ends in
	// Alertmanager after four times this. At least 1s. Default 1m.
	ResendInterval time.Duration `mapstructure:"resend_interval"`
	// MaxAlerts is the number of alerts in one request. 1 to 10000. Default 256.
	MaxAlerts int `mapstructure:"max_alerts"`
	// GeneratorURL is the link that people get as the source of every alert, such as a dashboard. Empty = none. Default empty.
	GeneratorURL string `mapstructure:"generator_url"`

	// QueueConfig is exporterhelper's sending_queue. Default: on, 1000 batches, one consumer: with several, an alert
	// could begin after it has ended.
	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// RetryConfig is exporterhelper's retry_on_failure. Default: on, for 5 minutes.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`
}

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 10 * time.Second
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers = 1
	return &Config{
		ClientConfig:   client,
		ResendInterval: time.Minute,
		MaxAlerts:      256,
		QueueConfig:    configoptional.Some(queue),
		RetryConfig:    configretry.NewDefaultBackOffConfig(),
	}
}

// Unmarshal reads the configuration and refuses unknown keys, the client's too.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictclient.Unmarshal(conf, c) }

// Validate reports what is wrong beside the parts that validate themselves.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.ClientConfig.Endpoint != "" {
		bad("endpoint: is not used here, list the Alertmanagers in endpoints")
	}
	if len(c.Endpoints) == 0 {
		bad("endpoints: is empty, allowed is a list of URLs such as [http://127.0.0.1:9093]")
	}
	for i, e := range c.Endpoints {
		if err := checkEndpoint(e); err != nil {
			bad("endpoints[%d]: %w", i, err)
		} else if first := slices.IndexFunc(c.Endpoints, func(o string) bool { return base(o) == base(e) }); first < i {
			bad("endpoints[%d]: %q is endpoints[%d] once more, each is allowed once", i, e, first)
		}
	}
	if c.ClientConfig.Timeout <= 0 {
		bad("timeout: %v is too short, allowed is more than 0", c.ClientConfig.Timeout)
	}
	if t := c.ClientConfig.Compression; t != "" && t != "none" {
		bad("compression: %q cannot be read by Alertmanager, allowed is none", t)
	}
	if c.ResendInterval < time.Second {
		bad("resend_interval: %v is too short, allowed is 1s or more", c.ResendInterval)
	}
	if c.MaxAlerts < 1 || c.MaxAlerts > highestMaxAlerts {
		bad("max_alerts: %d is out of range, allowed is 1 to %d", c.MaxAlerts, highestMaxAlerts)
	}
	if g := c.GeneratorURL; g != "" && !isWebAddress(g) {
		bad("generator_url: %q is no address, allowed is nothing, or an http:// or https:// URL", g)
	}
	return errors.Join(errs...)
}

// checkEndpoint never repeats a URL that may hold a password.
func checkEndpoint(e string) error {
	u, err := url.Parse(e)
	switch {
	case err == nil && u.User != nil:
		return errors.New("holds a user, which belongs into auth")
	case !isWebAddress(e) || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must be an http:// or https:// URL without query")
	case strings.HasSuffix(base(e), alertsPath):
		return fmt.Errorf("ends with %s, which is added: give what is before it", alertsPath)
	}
	return nil
}

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func base(endpoint string) string { return strings.TrimRight(endpoint, "/") }
