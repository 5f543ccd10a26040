from django.db import migrations

# The trigger counts already what changes meanwhile: one look at both sides, and what
# they differ by is added.
ADD_UP = """
INSERT INTO agent_metrics_totals (organization_id, current_difficulty, status,
    is_active, agents, learning_score, xp, level, custody_xp, custody_level,
    total_tests_given, total_tests_passed, total_tests_failed, adversarial_wins)
SELECT organization_id, current_difficulty, status, is_active, sum(agents),
    sum(learning_score), sum(xp), sum(level), sum(custody_xp), sum(custody_level),
    sum(total_tests_given), sum(total_tests_passed), sum(total_tests_failed),
    sum(adversarial_wins)
FROM (
    SELECT organization_id, current_difficulty, status, is_active, 1 AS agents,
        round(learning_score::numeric, 10) AS learning_score, xp, level, custody_xp,
        custody_level, total_tests_given, total_tests_passed, total_tests_failed,
        adversarial_wins
    FROM agent_metrics WHERE retired_at IS NULL
    UNION ALL
    SELECT organization_id, current_difficulty, status, is_active, -agents,
        -learning_score, -xp, -level, -custody_xp, -custody_level,
        -total_tests_given, -total_tests_passed, -total_tests_failed,
        -adversarial_wins
    FROM agent_metrics_totals
) AS both_sides
GROUP BY 1, 2, 3, 4
HAVING sum(agents) <> 0
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0006_keep_totals_by_trigger")]

    operations = [migrations.RunSQL(ADD_UP, "DELETE FROM agent_metrics_totals")]
