package message

// MaxBody bounds the body of a request, in bytes; a proxy's usual limit is as low.
const MaxBody = 1 << 20

// Fit is how many of the alerts, which are encoded, go into the next request: at
// most limit, and at most MaxBody bytes. At least one, since one alert is smaller.
func Fit(alerts [][]byte, limit int) int {
	size := len("[]")
	for n, a := range alerts {
		size += len(a) + len(",")
		if n > 0 && (n >= limit || size > MaxBody) {
			return n
		}
	}
	return len(alerts)
}

// Body joins alerts to the body of a request.
func Body(alerts [][]byte) []byte {
	size := len("[]")
	for _, a := range alerts {
		size += len(a) + len(",")
	}
	body := make([]byte, 0, size)
	body = append(body, '[')
	for i, a := range alerts {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, a...)
	}
	return append(body, ']')
}
