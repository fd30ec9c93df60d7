package layerenricher

import "github.com/foundation-os/otelcol-foundation/semconv"

// The names that the code itself asks for; every other one is the preset's.
const (
	attributeLayer           = semconv.AttributeLayer
	attributeLayerSource     = semconv.AttributeLayerSource
	attributeLayerTransition = semconv.AttributeLayerTransition
	attributeEventName       = semconv.AttributeEventName
	attributePhase           = semconv.AttributePhase
	attributeOperation       = semconv.AttributeOperation
	attributeServiceName     = semconv.AttributeServiceName

	outcomeSuccess = semconv.OutcomeSuccess
	outcomeFailure = semconv.OutcomeFailure
)

// source is what a layer was inferred from.
type source uint8

const (
	fromNothing source = iota
	fromAttribute
	fromName
	fromScope
	fromService
	fromParent
	fromTrace
	fromDefault
	sources
)

var sourceNames = [sources]string{
	"", semconv.LayerSourceAttribute, semconv.LayerSourceName, semconv.LayerSourceScope, semconv.LayerSourceService,
	semconv.LayerSourceParent, semconv.LayerSourceTrace, semconv.LayerSourceDefault,
}
