package words

import (
	"fmt"

	"relay/quota"
)

// ParseLimit takes "unlimited" for 0, which is how it is stored.
func ParseLimit(text string, parse func(string) (int64, error)) (int64, error) {
	if text == "unlimited" {
		return 0, nil
	}
	n, err := parse(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q: more than 0, or unlimited", text)
	}
	return n, err
}

// ParseOverMax reads the ceiling of a flag or of a file of plans.
func ParseOverMax(text string) (int64, error) {
	switch text {
	case "none":
		return quota.Uncapped, nil
	case "default":
		return 0, nil
	}
	n, err := ParseSize(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q: more than 0, none or default", text)
	}
	return n, err
}
