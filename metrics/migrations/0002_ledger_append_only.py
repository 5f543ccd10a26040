from django.db import migrations

REFUSE = """
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'metric_events is append-only'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER metric_events_append_only BEFORE UPDATE OR DELETE ON metric_events
    FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
"""
ALLOW = """
DROP TRIGGER metric_events_append_only ON metric_events;
DROP FUNCTION refuse_ledger_change();
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_create_agent_metrics_table")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
