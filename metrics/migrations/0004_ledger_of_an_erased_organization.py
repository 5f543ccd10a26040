from django.db import migrations

BODY = """
    RAISE EXCEPTION 'metric_events is append-only'
        USING ERRCODE = 'restrict_violation';
END $$;
"""
START = """
CREATE OR REPLACE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
"""
UNLESS_ERASED = """
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM organizations
        WHERE id = OLD.organization_id AND erased_at IS NOT NULL
    ) THEN
        RETURN OLD;
    END IF;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0003_index_what_overviews_show"),
        ("accounts", "0008_organizations_are_erased"),
    ]

    operations = [
        migrations.RunSQL(START + UNLESS_ERASED + BODY, START + BODY),
    ]
