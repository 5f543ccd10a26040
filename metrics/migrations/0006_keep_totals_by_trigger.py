from django.db import migrations

SUMS = (
    "learning_score",
    "xp",
    "level",
    "custody_xp",
    "custody_level",
    "total_tests_given",
    "total_tests_passed",
    "total_tests_failed",
    "adversarial_wins",
)
# What each kind of statement brings and takes away.
CAME, WENT = "SELECT 1 AS sign, * FROM came", "SELECT -1 AS sign, * FROM went"
STATEMENTS = {
    "INSERT": ("NEW TABLE AS came", CAME),
    "UPDATE": ("OLD TABLE AS went NEW TABLE AS came", f"{CAME} UNION ALL {WENT}"),
    "DELETE": ("OLD TABLE AS went", WENT),
}


def _moved(column: str) -> str:
    if column == "learning_score":
        # Rounded alike when it comes and when it goes.
        return "sum(sign * round(learning_score::numeric, 10))"
    return f"sum(sign * {column}::bigint)"


KEEP = """
CREATE FUNCTION add_{kind}_to_metrics_totals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT organization_id, current_difficulty, status, is_active,
            sum(sign) AS agents, {moved}
        FROM ({rows}) AS boards
        WHERE retired_at IS NULL
        GROUP BY 1, 2, 3, 4
        HAVING (sum(sign), {sums}) <> (0, {zeros})
    LOOP
        -- A part that another transaction holds is left to it: nobody waits here.
        UPDATE agent_metrics_totals
        SET agents = agents + part.agents, {added}
        WHERE id = (
            SELECT id FROM agent_metrics_totals
            WHERE organization_id = part.organization_id
                AND current_difficulty = part.current_difficulty
                AND status = part.status
                AND is_active = part.is_active
            LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        );
        IF NOT FOUND THEN
            INSERT INTO agent_metrics_totals (organization_id, current_difficulty,
                status, is_active, agents, {columns})
            VALUES (part.organization_id, part.current_difficulty,
                part.status, part.is_active, part.agents, {values});
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER agent_metrics_{kind}_totals AFTER {statement} ON agent_metrics
    REFERENCING {tables} FOR EACH STATEMENT
    EXECUTE FUNCTION add_{kind}_to_metrics_totals();
"""
STOP = """
DROP TRIGGER agent_metrics_{kind}_totals ON agent_metrics;
DROP FUNCTION add_{kind}_to_metrics_totals();
"""


def _keep(statement: str) -> migrations.RunSQL:
    tables, rows = STATEMENTS[statement]
    kind = statement.lower()
    sql = KEEP.format(
        kind=kind,
        statement=statement,
        tables=tables,
        rows=rows,
        moved=", ".join(f"{_moved(name)} AS {name}" for name in SUMS),
        sums=", ".join(map(_moved, SUMS)),
        zeros=", ".join("0" for _ in SUMS),
        added=", ".join(f"{name} = {name} + part.{name}" for name in SUMS),
        columns=", ".join(SUMS),
        values=", ".join(f"part.{name}" for name in SUMS),
    )
    return migrations.RunSQL(sql, STOP.format(kind=kind))


class Migration(migrations.Migration):
    dependencies = [("metrics", "0005_create_totals_table")]

    operations = [_keep(statement) for statement in STATEMENTS]
