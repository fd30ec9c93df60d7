package payload

// Part is a run of points of one item.
type Part struct {
	Item     *Item
	From, To int
}

// Len is the number of points.
func (p Part) Len() int { return p.To - p.From }

// Points are the part's points.
func (p Part) Points() []Point { return p.Item.Points[p.From:p.To] }

// Whole returns each item as one part.
func Whole(items []*Item) []Part {
	parts := make([]Part, len(items))
	for i, it := range items {
		parts[i] = Part{Item: it, To: len(it.Points)}
	}
	return parts
}

// Total is the number of points.
func Total(parts []Part) int {
	n := 0
	for _, p := range parts {
		n += p.Len()
	}
	return n
}

// Halve cuts parts in two: between series as long as there are several, then
// between the points of the one. Of one point nothing is left to cut: the
// second half is empty.
func Halve(parts []Part) (first, second []Part) {
	if len(parts) == 1 {
		p := parts[0]
		if p.Len() < 2 {
			return parts, nil
		}
		mid := p.From + p.Len()/2
		return []Part{{p.Item, p.From, mid}}, []Part{{p.Item, mid, p.To}}
	}
	half, n := Total(parts)/2, 0
	for i, p := range parts[:len(parts)-1] {
		n += p.Len()
		if n >= half {
			return parts[:i+1], parts[i+1:]
		}
	}
	return parts[:len(parts)-1], parts[len(parts)-1:]
}
