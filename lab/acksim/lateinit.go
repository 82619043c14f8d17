package acksim

// lateField is a field that the user may leave out and AWS then chooses.
type lateField struct {
	field string
	// required fields keep the object out of sync until AWS has chosen.
	required bool
}

func late(names ...string) []lateField {
	out := make([]lateField, len(names))
	for i, name := range names {
		out[i] = lateField{field: name}
	}
	return out
}

func lateRequired(names ...string) []lateField {
	out := late(names...)
	for i := range out {
		out[i].required = true
	}
	return out
}

// initializeLate fills unset fields of latest from what AWS has and reports whether all required ones are there.
func (k *kind) initializeLate(latest, observed *object) (complete bool) {
	complete = true
	for _, f := range k.late {
		if get(latest.spec(), f.field) == nil {
			if value := get(observed.spec(), f.field); value != nil {
				put(latest.spec(), f.field, value)
			}
		}
		if f.required && get(latest.spec(), f.field) == nil {
			complete = false
		}
	}
	return complete
}
