package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed messages/*.json
var messageFiles embed.FS

// Languages are those with a catalogue, the fallback first.
var Languages = []string{"en", "de"}

// LanguageNames are what the languages call themselves.
var LanguageNames = map[string]string{"en": "English", "de": "Deutsch"}

var catalogues = loadCatalogues()

func loadCatalogues() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range Languages {
		data, err := messageFiles.ReadFile("messages/" + lang + ".json")
		if err != nil {
			panic("the catalogue of messages is not in the binary: " + err.Error())
		}
		catalogue := map[string]string{}
		if err := json.Unmarshal(data, &catalogue); err != nil {
			panic("the catalogue of messages " + lang + ": " + err.Error())
		}
		all[lang] = catalogue
	}
	return all
}

// Known says whether a key is in the catalogue.
func Known(key string) bool {
	_, ok := catalogues[Languages[0]][key]
	return ok
}

// T is the text of a key in a language, with %-verbs filled in. A key without a text stands for itself.
func T(lang, key string, args ...any) string {
	text, ok := catalogues[lang][key]
	if !ok {
		if text, ok = catalogues[Languages[0]][key]; !ok {
			return key
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Number writes a whole number with the language's separators.
func Number(lang string, n int) string {
	sep := ","
	if lang == "de" {
		sep = "."
	}
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// When writes a time; nil is "never".
func When(lang string, t *time.Time) string {
	if t == nil {
		return T(lang, "time.never")
	}
	return Day(lang, t) + t.UTC().Format(" 15:04") + " UTC"
}

// Day writes the day of a time, in UTC.
func Day(lang string, t *time.Time) string {
	if lang == "de" {
		return t.UTC().Format("02.01.2006")
	}
	return t.UTC().Format(time.DateOnly)
}
