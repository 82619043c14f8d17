package cloud

import (
	"slices"
	"strings"
)

// engineVersions are the versions that the model offers, oldest first; the last of a prefix is what the prefix means.
var engineVersions = map[string][]string{
	"mysql":   {"8.0.39", "8.0.40", "8.0.41", "8.4.3", "8.4.4", "8.4.5"},
	"mariadb": {"10.6.20", "10.6.21", "10.11.10", "10.11.11", "11.4.4", "11.4.5"},
}

// resolveVersion finds the version that a prefix such as "8.4" stands for; an empty prefix means the newest.
func resolveVersion(engine, prefix string) (string, error) {
	versions, ok := engineVersions[engine]
	if !ok {
		return "", refuse("InvalidParameterValue", "Invalid DB engine: %s", engine)
	}
	for _, version := range slices.Backward(versions) {
		if prefix == "" || version == prefix || strings.HasPrefix(version, prefix+".") {
			return version, nil
		}
	}
	return "", refuse("InvalidParameterCombination", "Cannot find version %s for %s", prefix, engine)
}

// familyOf is the parameter group family of a version: mysql8.4 for 8.4.5.
func familyOf(engine, version string) string {
	parts := strings.SplitN(version, ".", 3)
	return engine + strings.Join(parts[:2], ".")
}

func parameterFamilies() []string {
	var families []string
	for engine, versions := range engineVersions {
		for _, version := range versions {
			families = append(families, familyOf(engine, version))
		}
	}
	return families
}

func checkStorage(gib int, storageType string) error {
	if gib < 20 || gib > 65536 {
		return refuse("InvalidParameterValue", "Invalid storage size for engine and storage type %s: %d. Valid sizes are 20 to "+
			"65536 GiB.", storageType, gib)
	}
	return oneOf("StorageType", storageType, "gp2", "gp3", "io1", "io2", "standard")
}
