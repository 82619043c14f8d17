package statustest

import (
	"fmt"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/config/argocd"
)

// argoCD: what Argo CD shows of the stack, by the script that config/argocd gives it, is what the status means to say.
func (c *check) argoCD() {
	health, message, err := argoHealth(c.stack)
	if err != nil {
		c.violated("Argo CD: %v", err)
		return
	}
	if want := c.meantForArgo(); health != want {
		c.violated("Argo CD shows %s instead of %s: %s", health, want, message)
	}
}

// meantForArgo is what Argo CD should show.
func (c *check) meantForArgo() string {
	switch {
	case c.deleting() && c.isTrue(v1.ConditionDeletionBlocked):
		return "Degraded"
	case !c.deleting() && c.stack.Status.ObservedGeneration != c.stack.Generation:
		return "Progressing"
	case c.isTrue(v1.ConditionSuspended):
		return "Suspended"
	case c.deleting():
		return "Progressing"
	case c.isTrue(v1.ConditionStalled):
		return "Degraded"
	case c.isTrue(v1.ConditionReady):
		return "Healthy"
	default:
		return "Progressing"
	}
}

// healthScript is the script, read once.
var healthScript = sync.OnceValues(func() ([]ast.Stmt, error) {
	patch := &corev1.ConfigMap{}
	if err := yaml.UnmarshalStrict(argocd.Health, patch); err != nil {
		return nil, fmt.Errorf("read the health check: %w", err)
	}
	return parse.Parse(strings.NewReader(patch.Data[argocd.HealthKey]), argocd.HealthKey)
})

// argoHealth runs the script as Argo CD does, with the same interpreter: the object is the variable obj.
func argoHealth(stack *v1.UserManagementStack) (health, message string, err error) {
	script, err := healthScript()
	if err != nil {
		return "", "", err
	}
	compiled, err := lua.Compile(script, argocd.HealthKey)
	if err != nil {
		return "", "", fmt.Errorf("compile the health check: %w", err)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(stack)
	if err != nil {
		return "", "", err
	}
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", luaValue(state, object))
	if err := state.CallByParam(lua.P{Fn: state.NewFunctionFromProto(compiled), NRet: 1, Protect: true}); err != nil {
		return "", "", fmt.Errorf("run the health check: %w", err)
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("the health check answers %v", state.Get(-1))
	}
	return lua.LVAsString(answer.RawGetString("status")), lua.LVAsString(answer.RawGetString("message")), nil
}

// luaValue is a value of an object as a script sees it.
func luaValue(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, inner := range v {
			table.RawSetString(key, luaValue(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range v {
			table.Append(luaValue(state, inner))
		}
		return table
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int64:
		return lua.LNumber(v)
	default:
		return lua.LNil
	}
}
