package template

// expr is an expression. Its eval counts a step.
type expr interface {
	eval(s *state) (any, error)
}

// stmt is a statement or plain text.
type stmt interface {
	exec(s *state) error
}

type body []stmt

type (
	literal  struct{ value any }
	variable struct {
		name string
		line int
	}
	listExpr struct {
		items []expr
		tuple bool
	}
	dictExpr struct {
		keys, values []expr
		line         int
	}
	attribute struct {
		of   expr
		name string
		line int
	}
	subscript struct {
		of, index expr
		line      int
	}
	slicing struct {
		of, from, to, step expr
		line               int
	}
	callExpr struct {
		fn    expr
		list  []expr
		named map[string]expr
		line  int
	}
	filtered struct {
		of   expr // nil in a filter block: its text
		name string
		call *callExpr
		line int
	}
	tested struct {
		of   expr
		name string
		call *callExpr
		line int
	}
	unary struct {
		op   string
		of   expr
		line int
	}
	binary struct {
		op          string
		left, right expr
		line        int
	}
	comparison struct {
		first expr
		ops   []string
		rest  []expr
		line  int
	}
	conditional struct{ test, yes, no expr }
)

type (
	textStmt  string
	printStmt struct{ value expr }
	ifStmt    struct {
		tests     []expr
		bodies    []body
		otherwise body
	}
	forStmt struct {
		target    target
		over      expr
		filter    expr
		body      body
		otherwise body
		recursive bool
		line      int
	}
	setStmt struct {
		target target
		value  expr
		body   body // of the block form
		filter expr
		line   int
	}
	macroStmt struct {
		name     string
		params   []string
		defaults map[string]expr
		body     body
		line     int
	}
	callStmt struct {
		call   *callExpr
		caller *macroStmt
	}
	filterStmt struct {
		filter expr
		body   body
	}
	withStmt struct {
		targets []target
		values  []expr
		body    body
	}
	generationStmt struct{ body body }
	doStmt         struct{ value expr }
	jumpStmt       struct{ to error }
)

// target is where an assignment goes: a name, several, or a namespace's attribute.
type target struct {
	name      string
	parts     []target // of a tuple; nil for a name
	attribute string   // of the name
	line      int
}
