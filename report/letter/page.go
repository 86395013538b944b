package letter

// Page is what a letter says, in blocks. Parse makes one from markup; Text and HTML set it.
type Page struct {
	Language string // "en"
	Seller   string // above the title
	Subject  string
	Title    string
	Blocks   []Block
	Foot     []Line // who writes, and why
}

// Kind of a block.
type Kind int

// The kinds of blocks, each with the markup that makes it.
const (
	Paragraph Kind = iota // lines up to an empty one
	Heading               // == text
	List                  // - text
	Lines                 // > text: lines that stay as they are
	Facts                 // | name | value |
	Table                 // |= head | head |, then rows | cell | cell |
	Bar                   // % name | text | percent
	Button                // [[link|label]] on a line of its own
	Chart                 // @ text that says what the picture shows
)

// Block of a page.
type Block struct {
	Kind    Kind
	Text    Line     // Paragraph, Heading, Chart
	Items   []Line   // List, Lines
	Head    []Line   // Table
	Rows    [][]Line // Facts and Bar: name and value. Table: as many cells as Head
	Right   []bool   // Table: columns of figures
	Percent int      // Bar, 0 to 100
	Over    bool     // Bar: there is more than fits
	Link    string   // Button: a web address
	Label   string
}

// Line is text with marks in it.
type Line []Span

// Span is a piece of text.
type Span struct {
	Text   string
	Strong bool   // **text**
	Link   string // [[link|text]]; "": none
}

// plain is the text without marks.
func (l Line) plain() string {
	text := ""
	for _, s := range l {
		text += s.Text
	}
	return text
}

// HasChart reports whether the page shows a picture.
func (p *Page) HasChart() bool {
	for _, b := range p.Blocks {
		if b.Kind == Chart {
			return true
		}
	}
	return false
}

// String is the kind's name, by which the template of HTML tells kinds apart.
func (k Kind) String() string {
	return [...]string{"paragraph", "heading", "list", "lines", "facts", "table", "bar", "button", "chart"}[k]
}
