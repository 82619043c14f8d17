package dataplane

import (
	"time"

	"usermanagement.dev/stack/controllers"
)

// operatorSettings are those of an operator for one namespace.
func operatorSettings(namespace string) controllers.ManagerSettings {
	return controllers.ManagerSettings{
		Workers: 4, MetricsAddress: "0", Namespace: namespace, ShutdownTimeout: 5 * time.Second, SameProcess: true,
		HealthProbe: true, HealthInterval: time.Second, HealthProxy: lab.DataPlane.ProxyURL(), HealthRoots: roots(),
	}
}
