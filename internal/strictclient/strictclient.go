package strictclient

import (
	"reflect"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
)

// Unmarshal reads conf into cfg, a pointer to a struct with a squashed
// confighttp.ClientConfig; it is what the Unmarshal method of that struct calls.
//
// The client decodes itself with unknown keys allowed, and a struct that it is
// squashed into inherits that for all of its keys: without this, a typo anywhere
// in the configuration would be accepted in silence. So it is decoded twice, the
// second time, with unknown keys as errors, into the same struct whose client
// has lost its method.
func Unmarshal(conf *confmap.Conf, cfg any) error {
	if err := conf.Unmarshal(cfg); err != nil {
		return err
	}
	type client confighttp.ClientConfig // its fields without its Unmarshal
	value := reflect.ValueOf(cfg).Elem()
	fields := reflect.VisibleFields(value.Type())
	for i := range fields {
		if fields[i].Type == reflect.TypeFor[confighttp.ClientConfig]() {
			fields[i].Type = reflect.TypeFor[client]()
		}
	}
	strict := reflect.New(reflect.StructOf(fields))
	for i := range fields {
		strict.Elem().Field(i).Set(value.Field(i).Convert(fields[i].Type))
	}
	return conf.Unmarshal(strict.Interface())
}
