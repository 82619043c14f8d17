package cloud

import (
	"errors"
	"fmt"
	"slices"
)

// APIError is AWS's refusal of a call: a code that programs read and a message that people read.
type APIError struct {
	// Op is the refused action, for example "ec2:CreateSubnet".
	Op Op
	// Code is AWS's error code, for example "InvalidSubnet.Conflict".
	Code string
	// Message is AWS's text.
	Message string
}

// Error has the form of the AWS SDK for Go v2, because that is the text that controllers copy into conditions.
func (e *APIError) Error() string {
	return fmt.Sprintf("operation error %s, api error %s: %s", e.Op.sdkName(), e.Code, e.Message)
}

// IsCode reports whether err is an APIError with one of codes.
func IsCode(err error, codes ...string) bool {
	var apiErr *APIError
	if !errors.As(err, &apiErr) {
		return false
	}
	return slices.Contains(codes, apiErr.Code)
}

// refuse builds an APIError; call fills in the operation.
func refuse(code, format string, args ...any) error {
	return &APIError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Short is the part of the error that AWS wrote.
func (e *APIError) Short() string { return fmt.Sprintf("api error %s: %s", e.Code, e.Message) }
