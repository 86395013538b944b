package term

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// ErrNoTerminal is a question that nobody can answer.
var ErrNoTerminal = errors.New("standard input is no terminal")

// AskSecret asks on the terminal for what is not to be seen, such as a password. What is typed
// does not show. Any other input than a terminal is ErrNoTerminal.
func AskSecret(in io.Reader, question io.Writer, text string) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", ErrNoTerminal
	}
	if _, err := fmt.Fprint(question, text); err != nil {
		return "", err
	}
	typed, err := term.ReadPassword(int(f.Fd()))
	_, _ = fmt.Fprintln(question) // the line end that was typed did not show
	return string(typed), err
}
