package verdict

// search finds which of many literals stand in a text, in one pass (Aho and Corasick):
// the cost of a reply does not grow with the number of rules.
type search struct {
	column [256]uint8 // of an octet in a row; 0: it is in no literal
	width  int        // of a row
	next   []int32    // row by row: the next state; 0 is the first one
	hits   [][]int32  // owners of the literals that end in a state
}

// newSearch takes the literals of each owner.
func newSearch(literals [][]string) *search {
	s := &search{width: 1}
	for _, list := range literals {
		for _, text := range list {
			for i := range len(text) {
				if s.column[text[i]] == 0 {
					s.column[text[i]] = uint8(s.width)
					s.width++
				}
			}
		}
	}
	s.state()
	for owner, list := range literals {
		for _, text := range list {
			s.add(text, int32(owner))
		}
	}
	s.link()
	return s
}

// state adds one, from which nothing leads on.
func (s *search) state() int32 {
	s.next = append(s.next, make([]int32, s.width)...)
	s.hits = append(s.hits, nil)
	return int32(len(s.hits) - 1)
}

// row has the states that follow one.
func (s *search) row(at int32) []int32 { return s.next[int(at)*s.width:][:s.width] }

func (s *search) add(text string, owner int32) {
	at := int32(0)
	for i := range len(text) {
		c := s.column[text[i]]
		to := s.row(at)[c]
		if to == 0 {
			to = s.state()
			s.row(at)[c] = to
		}
		at = to
	}
	s.hits[at] = append(s.hits[at], owner)
}

// link makes of the tree an automaton that never goes back in the text.
func (s *search) link() {
	back := make([]int32, len(s.hits)) // of a state: the one of its longest end
	queue := make([]int32, 0, len(s.hits))
	for _, to := range s.row(0) {
		if to != 0 {
			queue = append(queue, to)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		row, other := s.row(at), s.row(back[at])
		s.hits[at] = append(s.hits[at], s.hits[back[at]]...)
		for c, to := range row {
			if to == 0 {
				row[c] = other[c]
				continue
			}
			back[to] = other[c]
			queue = append(queue, to)
		}
	}
}

// in marks the owners of literals that stand in the text.
func (s *search) in(text []byte, found []bool) {
	at := int32(0)
	for _, c := range text {
		at = s.next[int(at)*s.width+int(s.column[c])]
		for _, owner := range s.hits[at] {
			found[owner] = true
		}
	}
}
