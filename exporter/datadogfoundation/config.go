package datadogfoundation

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/foundation-os/otelcol-foundation/internal/strictclient"
)

// Datadog's limits on a payload, the default and the maximum of max_payload.
const (
	maxCompressed = 512_000
	maxRaw        = 5_242_880
	maxPoints     = 10_000
)

// Config of the exporter.
type Config struct {
	// ClientConfig is the HTTP client. Of its keys, these have a meaning of their own here:
	//
	// endpoint: base URL that replaces https://api.<site> (tests, proxies). Empty = the site's. Default empty.
	// timeout: of one request. 0 = none. Default 15s. It is the only timeout.
	// compression: zstd, gzip, deflate or none. Default zstd. The splitter compresses, since it must know
	// the size, and not the client; compression_params.level is honoured.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`

	// API is the account to send to.
	API APIConfig `mapstructure:"api"`
	// Prefix is put before each metric name that does not begin with it. Empty = none. Default "foundationos.".
	Prefix string `mapstructure:"prefix"`
	// SeriesAPI is the intake for counts and gauges: v2 (protobuf) or v1 (JSON). Default v2.
	SeriesAPI SeriesAPI `mapstructure:"series_api"`
	// Histograms says what becomes of histograms.
	Histograms HistogramsConfig `mapstructure:"histograms"`
	// ResourceAttributesAsTags are resource attributes that become tags under their own names, beside env, service
	// and version, which are always made. Empty = none. Default [deployment.environment.name].
	ResourceAttributesAsTags []string `mapstructure:"resource_attributes_as_tags"`
	// Tags are put on everything, each as key:value, the key beginning with a letter. Empty = none. Default empty.
	Tags []string `mapstructure:"tags"`
	// OutOfWindow says what becomes of points later than 10 minutes ahead or older than 1 hour, which Datadog would
	// drop without a word: drop, clamp (to the nearest time that is accepted) or send. Counted in each case. Default drop.
	OutOfWindow OutOfWindow `mapstructure:"out_of_window"`
	// MaxPayload bounds one request.
	MaxPayload PayloadConfig `mapstructure:"max_payload"`
	// Cumulative bounds what is remembered of cumulative streams.
	Cumulative CumulativeConfig `mapstructure:"cumulative"`
	// Events says what becomes of alert logs.
	Events EventsConfig `mapstructure:"events"`

	// QueueConfig is exporterhelper's sending_queue. Default: on, 1000 batches.
	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// RetryConfig is exporterhelper's retry_on_failure. Default: on, for 5 minutes.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`
}

// APIConfig is the account to send to.
type APIConfig struct {
	// Key is the API key. Empty = read it from KeyFile. Default empty; one of the two is required.
	Key configopaque.String `mapstructure:"key"`
	// KeyFile is a file that holds the API key and nothing else. It is read at the start, and again when Datadog
	// refuses the key. Empty = use Key. Default empty.
	KeyFile string `mapstructure:"key_file"`
	// Site is the Datadog site, such as datadoghq.eu or us5.datadoghq.com. Ignored when endpoint is set. Default datadoghq.com.
	Site string `mapstructure:"site"`
	// FailOnInvalidKey asks Datadog at the start whether the key is valid, and does not start if it says no (no
	// answer is no reason to stop). False = find out with the first batch. Default false.
	FailOnInvalidKey bool `mapstructure:"fail_on_invalid_key"`
}

// HistogramsConfig says what becomes of histograms and exponential histograms.
type HistogramsConfig struct {
	// Mode: distributions (Datadog's sketches, quantiles over everything), counters (one count per bucket, with tags
	// lower_bound and upper_bound) or nobuckets (count, sum, min, max). Default distributions.
	Mode HistogramMode `mapstructure:"mode"`
	// SendAggregations adds <name>.count, .sum, and .min and .max where known, to distributions and counters.
	// Always on with nobuckets. Default false.
	SendAggregations bool `mapstructure:"send_aggregations"`
}

// PayloadConfig bounds one request. Lower values make sense behind a proxy with limits of its own.
type PayloadConfig struct {
	// Compressed is the size of a body as sent, in bytes. Default and maximum 512000 (Datadog's limit).
	Compressed int `mapstructure:"compressed"`
	// Raw is the size of a body before compression, in bytes. Default and maximum 5242880 (Datadog's limit).
	Raw int `mapstructure:"raw"`
	// Points is the number of points. Default and maximum 10000.
	Points int `mapstructure:"points"`
}

// CumulativeConfig bounds the state that turns cumulative values into deltas.
type CumulativeConfig struct {
	// MaxStreams is the number of streams. Points of further ones are dropped and counted. At least 1. Default 200000.
	MaxStreams int `mapstructure:"max_streams"`
	// TTL is how long a stream is remembered that sends nothing newer. At least 1m. Default 1h.
	TTL time.Duration `mapstructure:"ttl"`
}

// EventsConfig says what becomes of alert logs.
type EventsConfig struct {
	// Enabled lets the exporter take logs: alert records become Datadog events, all others are refused and
	// counted. False = a logs pipeline with this exporter is an error. Default true.
	Enabled bool `mapstructure:"enabled"`
}

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 15 * time.Second
	client.Compression = configcompression.TypeZstd
	return &Config{
		ClientConfig:             client,
		API:                      APIConfig{Site: "datadoghq.com"},
		Prefix:                   defaultPrefix,
		ResourceAttributesAsTags: []string{"deployment.environment.name"},
		MaxPayload:               PayloadConfig{Compressed: maxCompressed, Raw: maxRaw, Points: maxPoints},
		Cumulative:               CumulativeConfig{MaxStreams: 200_000, TTL: time.Hour},
		Events:                   EventsConfig{Enabled: true},
		QueueConfig:              configoptional.Some(exporterhelper.NewDefaultQueueConfig()),
		RetryConfig:              configretry.NewDefaultBackOffConfig(),
	}
}

// Unmarshal reads the configuration and refuses unknown keys, the client's too.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictclient.Unmarshal(conf, c) }

var (
	prefixShape = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.]{0,99})?$`)
	siteShape   = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
)

// Validate reports what is wrong beside the parts that validate themselves.
func (c *Config) Validate() error {
	var errs []error
	if e := c.ClientConfig.Endpoint; e != "" {
		if u, err := url.Parse(e); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
			errs = append(errs, errors.New("endpoint: must be empty or an http:// or https:// URL without query"))
		}
	}
	if c.ClientConfig.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: %v is negative, allowed is 0 (none) or more", c.ClientConfig.Timeout))
	}
	switch c.ClientConfig.Compression {
	case configcompression.TypeZstd, configcompression.TypeGzip, configcompression.TypeDeflate, "none", "":
	default:
		errs = append(errs, fmt.Errorf("compression: %q is not supported by Datadog, allowed are zstd, gzip, deflate, none", c.ClientConfig.Compression))
	}
	if !prefixShape.MatchString(c.Prefix) {
		errs = append(errs, fmt.Errorf("prefix: %q is no legal start of a metric name, allowed is nothing, or a letter and then letters, digits, _ and ., at most 100", c.Prefix))
	}
	for i, a := range c.ResourceAttributesAsTags {
		if a == "" {
			errs = append(errs, fmt.Errorf("resource_attributes_as_tags[%d]: is empty, allowed are attribute names", i))
		}
	}
	for i, t := range c.Tags {
		if k, v, ok := strings.Cut(t, ":"); !ok || k == "" || v == "" {
			errs = append(errs, fmt.Errorf("tags[%d]: %q is not of the form key:value", i, t))
		} else if !startsWithLetter(k) {
			errs = append(errs, fmt.Errorf("tags[%d]: %q does not begin with a letter, as Datadog's tags must", i, t))
		}
	}
	return errors.Join(errs...)
}

// Validate checks the account.
func (c *APIConfig) Validate() error {
	var errs []error
	switch {
	case c.Key == "" && c.KeyFile == "":
		errs = append(errs, errors.New("key: is empty, give the API key here or in key_file"))
	case c.Key != "" && c.KeyFile != "":
		errs = append(errs, errors.New("key: is set together with key_file, only one of the two is allowed"))
	case c.Key != "" && !legalKey(string(c.Key)):
		errs = append(errs, errors.New("key: holds a space or a control character, allowed is a key of visible ASCII"))
	}
	if !siteShape.MatchString(c.Site) {
		errs = append(errs, fmt.Errorf("site: %q is no site, allowed is a host name such as datadoghq.com", c.Site))
	}
	return errors.Join(errs...)
}

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

func legalKey(k string) bool {
	for i := range len(k) {
		if k[i] <= ' ' || k[i] > '~' {
			return false
		}
	}
	return k != ""
}

// read returns the key. The error never holds a byte of the file.
func (c *APIConfig) read() (string, error) {
	if c.KeyFile == "" {
		return string(c.Key), nil
	}
	raw, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return "", fmt.Errorf("api.key_file: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	if !legalKey(key) {
		return "", errors.New("api.key_file: holds no key, allowed is one line of visible ASCII")
	}
	return key, nil
}

// Validate checks the limits.
func (c *PayloadConfig) Validate() error {
	limit := func(key string, got, lowest, highest int) error {
		if got < lowest || got > highest {
			return fmt.Errorf("%s: %d is out of range, allowed is %d to %d", key, got, lowest, highest)
		}
		return nil
	}
	return errors.Join(
		limit("compressed", c.Compressed, 1024, maxCompressed),
		limit("raw", c.Raw, 1024, maxRaw),
		limit("points", c.Points, 1, maxPoints),
	)
}

// Validate checks the bounds.
func (c *CumulativeConfig) Validate() error {
	var errs []error
	if c.MaxStreams < 1 {
		errs = append(errs, fmt.Errorf("max_streams: %d is too low, allowed is 1 or more", c.MaxStreams))
	}
	if c.TTL < time.Minute {
		errs = append(errs, fmt.Errorf("ttl: %v is too short, allowed is 1m or more", c.TTL))
	}
	return errors.Join(errs...)
}
