package act

import "github.com/danielgtaylor/huma/v2/validation"

// plainMisfits puts what huma says of members that do not fit into words for people. They
// follow the member's name: "days: at most 40".
func plainMisfits() {
	validation.MsgUnexpectedProperty = "there is no such member"
	validation.MsgExpectedRequiredProperty = "%s is missing"
	validation.MsgExpectedBoolean = "true or false"
	validation.MsgExpectedNumber = "a number"
	validation.MsgExpectedInteger = "a whole number"
	validation.MsgExpectedString = "text in quotes"
	validation.MsgExpectedArray = "a list"
	validation.MsgExpectedObject = "an object"
	validation.MsgExpectedOneOf = "one of \"%s\""
	validation.MsgExpectedMinimumNumber = "at least %v"
	validation.MsgExpectedMaximumNumber = "at most %v"
	validation.MsgExpectedMinLength = "at least %d characters"
	validation.MsgExpectedMaxLength = "at most %d characters"
	validation.MsgExpectedMinItems = "at least %d of them"
	validation.MsgExpectedMaxItems = "at most %d of them"
	validation.MsgExpectedRFC3339DateTime = "an instant as in RFC 3339, such as 2026-11-30T08:00:00Z"
	validation.MsgExpectedRFC3339Date = "a day such as 2026-11-30"
}
