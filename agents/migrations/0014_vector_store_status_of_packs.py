from django.db import migrations

# As agents.knowledge.readiness has it.
SETTLE = """
UPDATE knowledge_packs SET vector_store_status = CASE
    WHEN EXISTS (SELECT FROM vector_indexes AS i
                 WHERE i.knowledge_pack_id = knowledge_packs.id AND i.last_error <> '')
    THEN 'failed'
    WHEN NOT EXISTS (SELECT FROM documents AS d
                     WHERE d.knowledge_pack_id = knowledge_packs.id
                     AND d.status <> 'failed')
    THEN 'failed'
    WHEN NOT EXISTS (SELECT FROM documents AS d
                     WHERE d.knowledge_pack_id = knowledge_packs.id
                     AND d.status IN ('pending', 'running'))
     AND EXISTS (SELECT FROM vector_indexes AS i
                 WHERE i.knowledge_pack_id = knowledge_packs.id AND i.status = 'done')
    THEN 'ready'
    ELSE 'pending' END
WHERE EXISTS (SELECT FROM documents AS d WHERE d.knowledge_pack_id = knowledge_packs.id)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0013_uploaded_files"),
    ]

    operations = [migrations.RunSQL(SETTLE, migrations.RunSQL.noop)]
