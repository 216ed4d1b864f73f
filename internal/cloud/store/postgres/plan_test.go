package postgres

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// wholeIndex finds a scan of an index that does not say which part of it: its line is not followed by a condition.
var wholeIndex = regexp.MustCompile(`Index (Only )?Scan [^\n]*\n +(->|Filter|\n)`)

// TestPlans holds every statement to its index, with the generic plan that prepared statements end up with, on a lopsided
// table that was never analyzed and on one that was.
func TestPlans(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t)
	top := plant(t, s, "top")[0]
	nodes := make([]*store.Node, 5000)
	for i := range nodes {
		nodes[i] = &store.Node{Parent: top, Type: "job", Name: fmt.Sprint(i)}
	}
	nodes[17].Flag = "running"
	must(t, s.Update(ctx, func(tx store.Tx) error {
		for i := range 2000 {
			if err := tx.PutExtension(ctx, store.Extension{Scope: fmt.Sprintf("/s/%d", i), Type: "ns/t", Name: "n"}); err != nil {
				return err
			}
			if err := tx.PutOperation(ctx, store.Operation{ID: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return tx.Insert(ctx, nodes...)
	}))
	conn, err := s.pool.Acquire(ctx)
	must(t, err)
	defer conn.Release()
	for _, first := range []string{`SET plan_cache_mode = force_generic_plan`, `ANALYZE`} {
		_, err = conn.Exec(ctx, first)
		must(t, err)
		for _, sql := range []string{sqlNode, sqlWalks[1], sqlWalks[3], sqlWalks[maxHops], sqlPath, sqlChildren, sqlChildrenOfType, sqlFlagged, sqlCount, sqlInsert, sqlInsertLater, sqlHoldParents,
			sqlTaken, sqlDelete, sqlSave, sqlAbove, sqlReparent, sqlTrash, sqlHoldShared, sqlHoldExclusive, sqlHoldAhead, sqlBelow,
			sqlDeleteBare, sqlExtension, sqlExtensionsAt, sqlExtensionsAtOfType, sqlExtensionsBelow, sqlExtensionsBelowOfType,
			sqlPutExtension, sqlDropAt, sqlDropBelow, sqlDropBelowOfType, sqlOperation, sqlDueOperation, sqlNextDue, sqlMeta} {
			plan := explain(t, conn.Conn(), sql)
			whole := wholeIndex.MatchString(plan + "\n")
			paged := strings.Contains(sql, "ORDER BY type_key") || strings.Contains(sql, "ORDER BY name_key") || strings.Contains(sql, "ORDER BY scope_key")
			if whole || strings.Contains(plan, "Seq Scan on cloud_n") || strings.Contains(plan, "Seq Scan on cloud_e") || paged && strings.Contains(plan, "Sort") ||
				sql == sqlFlagged && !strings.Contains(plan, "cloud_node_flagged") {
				t.Errorf("%s\n%s", sql, plan)
			}
		}
	}
}

// explain prepares a statement and returns its plan.
func explain(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	ctx := t.Context()
	_, err := conn.Exec(ctx, "PREPARE explained AS "+sql)
	must(t, err)
	nulls := strings.TrimSuffix(strings.Repeat("NULL,", parameters(sql)), ",")
	if nulls != "" {
		nulls = "(" + nulls + ")"
	}
	rows, err := conn.Query(ctx, "EXPLAIN EXECUTE explained"+nulls)
	must(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	_, err = conn.Exec(ctx, "DEALLOCATE explained")
	must(t, err)
	return strings.Join(lines, "\n")
}

// parameters returns the highest $n of a statement.
func parameters(sql string) (highest int) {
	for n := 1; n < 20; n++ {
		if strings.Contains(sql, fmt.Sprintf("$%d", n)) {
			highest = n
		}
	}
	return highest
}
