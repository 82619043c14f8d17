package web

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// QR is a QR code as a path of an SVG.
type QR struct {
	Size int
	Path string
}

// quiet is the light border that readers need, in modules.
const quiet = 4

// NewQR encodes a text.
func NewQR(text string) (QR, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return QR{}, fmt.Errorf("draw a QR code: %w", err)
	}
	var b strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return QR{Size: code.Size + 2*quiet, Path: b.String()}, nil
}

// ViewBox is the SVG's.
func (q QR) ViewBox() string { return fmt.Sprintf("0 0 %d %d", q.Size, q.Size) }

// Device is a browser and system in a few words, from what a browser says of itself.
func Device(userAgent string) string {
	if name := deviceName(userAgent); name != "" {
		return name
	}
	if len(userAgent) > 40 {
		return strings.ToValidUTF8(userAgent[:40], "") + "…"
	}
	return userAgent
}

// KnownDevice is Device for texts that must hold no word of the sender's: what is not known stays unknown.
func KnownDevice(lang, userAgent string) string {
	if name := deviceName(userAgent); name != "" {
		return name
	}
	return T(lang, "notice.unknown")
}

func deviceName(userAgent string) string {
	browser, system := "", ""
	for _, known := range [][2]string{
		{"Edg/", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	} {
		if strings.Contains(userAgent, known[0]) {
			browser = known[1]
			break
		}
	}
	for _, known := range [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(userAgent, known[0]) {
			system = known[1]
			break
		}
	}
	return strings.Trim(browser+" · "+system, " ·")
}
