package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/typed/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

const (
	// crdLimit bounds the wait until all installed definitions are served.
	crdLimit = 60 * time.Second
	crdPoll  = 20 * time.Millisecond
	crdOwner = "lab"
)

// InstallCRDs applies the CustomResourceDefinitions in the files and directories (with
// all below them) and waits until each is Established and found by discovery. Other
// objects in the files are passed over; a path without any definition is an error.
func InstallCRDs(ctx context.Context, config *rest.Config, paths ...string) error {
	client, err := apiextensions.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for CustomResourceDefinitions: %w", err)
	}
	finder, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for discovery: %w", err)
	}
	crds, err := readCRDs(paths)
	if err != nil {
		return err
	}
	definitions := client.CustomResourceDefinitions()
	for _, crd := range crds {
		if err := applyCRD(ctx, definitions, crd); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, crdLimit, fmt.Errorf("not within %s", crdLimit))
	defer cancel()
	for _, crd := range crds {
		if err := waitCRD(ctx, definitions, finder, crd.Name); err != nil {
			return err
		}
	}
	return nil
}

func applyCRD(ctx context.Context, client apiextensions.CustomResourceDefinitionInterface, crd rawCRD) error {
	_, err := client.Patch(ctx, crd.Name, types.ApplyPatchType, crd.JSON, metav1.PatchOptions{
		FieldManager:    crdOwner,
		Force:           new(true),
		FieldValidation: metav1.FieldValidationStrict,
	})
	if err != nil {
		return fmt.Errorf("apply CustomResourceDefinition %s of %s: %w", crd.Name, crd.File, err)
	}
	return nil
}

// waitCRD waits until the API server serves the definition's objects.
func waitCRD(ctx context.Context, client apiextensions.CustomResourceDefinitionInterface,
	finder discovery.DiscoveryInterface, name string,
) error {
	state := "it was not read yet"
	err := wait.PollUntilContextCancel(ctx, crdPoll, true, func(ctx context.Context) (bool, error) {
		crd, err := client.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		var established bool
		if established, state = isEstablished(crd); !established {
			return false, conflict(crd)
		}
		state = "it is Established, but discovery does not list all its versions yet"
		return isDiscovered(finder, crd), nil
	})
	if wait.Interrupted(err) {
		err = errors.Join(context.Cause(ctx), errors.New(state))
	}
	if err != nil {
		return fmt.Errorf("wait for CustomResourceDefinition %s to be served: %w", name, err)
	}
	return nil
}

func isEstablished(crd *apiextensionsv1.CustomResourceDefinition) (done bool, state string) {
	for _, c := range crd.Status.Conditions {
		if c.Type == apiextensionsv1.Established {
			return c.Status == apiextensionsv1.ConditionTrue, describe(c)
		}
	}
	return false, "it has no condition Established yet"
}

// conflict is an error if another definition has the same names; waiting does not help.
func conflict(crd *apiextensionsv1.CustomResourceDefinition) error {
	for _, c := range crd.Status.Conditions {
		if c.Type == apiextensionsv1.NamesAccepted && c.Status == apiextensionsv1.ConditionFalse {
			return errors.New(describe(c))
		}
	}
	return nil
}

func describe(c apiextensionsv1.CustomResourceDefinitionCondition) string {
	return fmt.Sprintf("its condition %s is %s (%s: %s)", c.Type, c.Status, c.Reason, c.Message)
}

func isDiscovered(finder discovery.DiscoveryInterface, crd *apiextensionsv1.CustomResourceDefinition) bool {
	for _, version := range crd.Spec.Versions {
		if version.Served && !lists(finder, crd.Spec.Group+"/"+version.Name, crd.Spec.Names.Plural) {
			return false
		}
	}
	return true
}

func lists(finder discovery.DiscoveryInterface, groupVersion, plural string) bool {
	resources, err := finder.ServerResourcesForGroupVersion(groupVersion)
	if err != nil {
		return false // not there yet; the wait is bounded
	}
	for i := range resources.APIResources {
		if resources.APIResources[i].Name == plural {
			return true
		}
	}
	return false
}

// rawCRD is a definition as it stands in a file; decoding it into Go types could lose
// fields that a newer Kubernetes knows.
type rawCRD struct {
	Name string
	File string
	JSON json.RawMessage
}
