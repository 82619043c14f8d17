package cloud

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Parameter is one engine parameter as DescribeDBParameters shows it.
type Parameter struct {
	Name, Value, Source, ApplyType, DataType, AllowedValues string
	Modifiable                                              bool
}

// DBParameterGroup holds engine settings of databases.
type DBParameterGroup struct {
	Meta
	Name, Family, Description, ARN string
	// Values are the parameters that were set; the rest has the engine's default.
	Values map[string]string
	// changed tells databases which of the static values they have not started with yet.
	staticChanges int
}

func (g *DBParameterGroup) object() Object { return Object{ID: g.Name} }

// parameterCatalogue describes the engine parameters of MySQL and MariaDB that the model knows: the type of application,
// the data type, and what is allowed (a list, a range low-high, or nothing for any text).
var parameterCatalogue = map[string]Parameter{
	"character_set_server":           {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"character_set_database":         {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"character_set_client":           {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"character_set_connection":       {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"character_set_results":          {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"collation_server":               {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"collation_connection":           {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"time_zone":                      {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"max_connections":                {ApplyType: "dynamic", DataType: "integer", AllowedValues: "1-100000", Modifiable: true},
	"wait_timeout":                   {ApplyType: "dynamic", DataType: "integer", AllowedValues: "1-31536000", Modifiable: true},
	"interactive_timeout":            {ApplyType: "dynamic", DataType: "integer", AllowedValues: "1-31536000", Modifiable: true},
	"long_query_time":                {ApplyType: "dynamic", DataType: "float", AllowedValues: "0-31536000", Modifiable: true},
	"slow_query_log":                 {ApplyType: "dynamic", DataType: "boolean", AllowedValues: "0,1", Modifiable: true},
	"general_log":                    {ApplyType: "dynamic", DataType: "boolean", AllowedValues: "0,1", Modifiable: true},
	"log_output":                     {ApplyType: "dynamic", DataType: "string", AllowedValues: "TABLE,FILE,NONE", Modifiable: true},
	"require_secure_transport":       {ApplyType: "dynamic", DataType: "boolean", AllowedValues: "0,1,ON,OFF", Modifiable: true},
	"sql_mode":                       {ApplyType: "dynamic", DataType: "string", Modifiable: true},
	"innodb_lock_wait_timeout":       {ApplyType: "dynamic", DataType: "integer", AllowedValues: "1-1073741824", Modifiable: true},
	"innodb_print_all_deadlocks":     {ApplyType: "dynamic", DataType: "boolean", AllowedValues: "0,1", Modifiable: true},
	"innodb_flush_log_at_trx_commit": {ApplyType: "dynamic", DataType: "integer", AllowedValues: "0,1,2", Modifiable: true},
	"max_allowed_packet":             {ApplyType: "dynamic", DataType: "integer", AllowedValues: "1024-1073741824", Modifiable: true},
	"tls_version":                    {ApplyType: "dynamic", DataType: "list", Modifiable: true},
	"innodb_buffer_pool_size":        {ApplyType: "dynamic", DataType: "integer", Modifiable: true},
	"transaction_isolation": {
		ApplyType: "dynamic", DataType: "string", Modifiable: true,
		AllowedValues: "READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE",
	},
	"performance_schema":              {ApplyType: "static", DataType: "boolean", AllowedValues: "0,1", Modifiable: true},
	"skip_name_resolve":               {ApplyType: "static", DataType: "boolean", AllowedValues: "0,1,ON,OFF", Modifiable: true},
	"lower_case_table_names":          {ApplyType: "static", DataType: "integer", AllowedValues: "0,1", Modifiable: true},
	"innodb_file_per_table":           {ApplyType: "dynamic", DataType: "boolean", AllowedValues: "0,1", Modifiable: true},
	"max_user_connections":            {ApplyType: "dynamic", DataType: "integer", AllowedValues: "0-4294967295", Modifiable: true},
	"log_bin_trust_function_creators": {ApplyType: "dynamic", DataType: "boolean", AllowedValues: "0,1", Modifiable: true},
	"innodb_page_size":                {ApplyType: "static", DataType: "integer"},
	"datadir":                         {ApplyType: "static", DataType: "string"},
	"port":                            {ApplyType: "static", DataType: "integer"},
	"server_id":                       {ApplyType: "static", DataType: "integer"},
}

// LookupParameter describes an engine parameter; ok is false if the engine does not know it.
func LookupParameter(name string) (p Parameter, ok bool) {
	p, ok = parameterCatalogue[name]
	p.Name = name
	return p, ok
}

func checkParameter(name, value string) error {
	p, ok := LookupParameter(name)
	if !ok {
		return refuse("InvalidParameterValue", "Could not find parameter with name: %s", name)
	}
	if !p.Modifiable {
		return refuse("InvalidParameterValue", "The parameter %s cannot be modified.", name)
	}
	if !allowedValue(p, value) {
		return refuse("InvalidParameterValue", "Invalid value %s for parameter %s: allowed values are %s", value, name, p.AllowedValues)
	}
	return nil
}

func allowedValue(p Parameter, value string) bool {
	if p.AllowedValues == "" || strings.HasPrefix(value, "{") {
		return true // free text, or a formula such as {DBInstanceClassMemory/12582880}
	}
	low, high, isRange := strings.Cut(p.AllowedValues, "-")
	lowest, lowErr := strconv.ParseFloat(low, 64)
	highest, highErr := strconv.ParseFloat(high, 64)
	if isRange && lowErr == nil && highErr == nil {
		number, err := strconv.ParseFloat(value, 64)
		return err == nil && number >= lowest && number <= highest
	}
	return slices.Contains(strings.Split(p.AllowedValues, ","), value)
}

// CreateDBParameterGroup makes a group with the engine's defaults.
func (c *Client) CreateDBParameterGroup(ctx context.Context, name, family, description string, tags Tags) (
	DBParameterGroup, error,
) {
	return call(ctx, c, "rds:CreateDBParameterGroup", func(t *tx) (DBParameterGroup, error) {
		name := strings.ToLower(name)
		if !parameterGroupID.MatchString(name) || strings.Contains(name, "--") || name == "default" {
			return DBParameterGroup{}, refuse("InvalidParameterValue", "The parameter DBParameterGroupName is not a valid identifier. "+
				"Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with "+
				"a hyphen or contain two consecutive hyphens.")
		}
		if !slices.Contains(parameterFamilies(), family) {
			return DBParameterGroup{}, refuse("InvalidParameterValue", "ParameterGroupFamily %s is not a valid parameter group family", family)
		}
		if description == "" {
			return DBParameterGroup{}, refuse("MissingParameter", "The request must contain the parameter Description")
		}
		if _, ok := t.db.parameterGroups[regional(t.caller.Region, name)]; ok {
			return DBParameterGroup{}, refuse("DBParameterGroupAlreadyExists", "Parameter group %s already exists", name)
		}
		if err := checkTags(tags); err != nil {
			return DBParameterGroup{}, err
		}
		g := &DBParameterGroup{
			Meta: t.meta(tags), Name: name, Family: family, Description: description, ARN: t.arn("rds", "pg:"+name),
			Values: map[string]string{},
		}
		t.db.parameterGroups[regional(g.Region, name)] = g
		t.emit(KindDBParameterGroup, Created, name, g.Meta)
		return *g, nil
	})
}

func (t *tx) parameterGroup(name string) (*DBParameterGroup, error) {
	g, ok := t.db.parameterGroups[regional(t.caller.Region, strings.ToLower(name))]
	if !ok {
		return nil, refuse("DBParameterGroupNotFound", "DBParameterGroup not found: %s", name)
	}
	return g, nil
}

// DescribeDBParameterGroup reads a group with the values that were set.
func (c *Client) DescribeDBParameterGroup(ctx context.Context, name string) (DBParameterGroup, error) {
	return call(ctx, c, "rds:DescribeDBParameterGroups", func(t *tx) (DBParameterGroup, error) {
		g, err := t.parameterGroup(name)
		if err != nil {
			return DBParameterGroup{}, err
		}
		return *g, nil
	})
}

// changeParameters is a call that changes the values of a group.
func (c *Client) changeParameters(ctx context.Context, op Op, name string, fn func(values map[string]string) error) error {
	return do(ctx, c, op, func(t *tx) error {
		g, err := t.parameterGroup(name)
		if err != nil {
			return err
		}
		values := maps.Clone(g.Values)
		if err := fn(values); err != nil {
			return err
		}
		for key := range parameterCatalogue {
			if parameterCatalogue[key].ApplyType == "static" && values[key] != g.Values[key] {
				g.staticChanges++
			}
		}
		g.Values = values
		t.emit(KindDBParameterGroup, Changed, g.Name, g.Meta)
		return nil
	})
}

// ModifyDBParameterGroup sets parameters; one bad value refuses them all.
func (c *Client) ModifyDBParameterGroup(ctx context.Context, name string, set map[string]string) error {
	return c.changeParameters(ctx, "rds:ModifyDBParameterGroup", name, func(values map[string]string) error {
		for _, key := range slices.Sorted(maps.Keys(set)) {
			if err := checkParameter(key, set[key]); err != nil {
				return err
			}
			values[key] = set[key]
		}
		return nil
	})
}

// ResetDBParameterGroup gives parameters their default back.
func (c *Client) ResetDBParameterGroup(ctx context.Context, name string, reset []string) error {
	return c.changeParameters(ctx, "rds:ResetDBParameterGroup", name, func(values map[string]string) error {
		for _, key := range reset {
			delete(values, key)
		}
		return nil
	})
}

// DeleteDBParameterGroup deletes a group that no database uses.
func (c *Client) DeleteDBParameterGroup(ctx context.Context, name string) error {
	return do(ctx, c, "rds:DeleteDBParameterGroup", func(t *tx) error {
		g, err := t.parameterGroup(name)
		if err != nil {
			return err
		}
		for _, d := range t.db.dbInstances {
			if d.Region == g.Region && d.ParameterGroup == g.Name {
				return refuse("InvalidDBParameterGroupState", "One or more database instances are still members of this parameter "+
					"group %s, so the group cannot be deleted", g.Name)
			}
		}
		delete(t.db.parameterGroups, regional(g.Region, g.Name))
		t.emit(KindDBParameterGroup, Deleted, g.Name, g.Meta)
		return nil
	})
}

// DBParameterGroups lists all DB parameter groups.
func (c *Cloud) DBParameterGroups() []DBParameterGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.parameterGroups, nil)
}
