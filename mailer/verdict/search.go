package verdict

// search finds which of many literals stand in a text, in one pass (Aho and Corasick):
// the cost of a reply does not grow with the number of rules.
type search struct {
	column [256]uint8 // an octet's column in each row; 0: no literal has it
	width  int        // of a row
	next   []int32    // the next state, by state (row) and octet (column); 0 is the first state
	hits   [][]int32  // by state: owners of the literals that end there
}

// newSearch builds the automaton for the literals of each owner.
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

// state adds a state from which no octet leads on, and returns it.
func (s *search) state() int32 {
	s.next = append(s.next, make([]int32, s.width)...)
	s.hits = append(s.hits, nil)
	return int32(len(s.hits) - 1)
}

// row returns the states that follow a state.
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

// link turns the tree of literals into an automaton that never goes back in the text.
func (s *search) link() {
	back := make([]int32, len(s.hits)) // by state: the state of its longest proper suffix
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

// in marks the owners of the literals in the text.
func (s *search) in(text []byte, found []bool) {
	at := int32(0)
	for _, c := range text {
		at = s.next[int(at)*s.width+int(s.column[c])]
		for _, owner := range s.hits[at] {
			found[owner] = true
		}
	}
}
