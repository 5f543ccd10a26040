from celery import shared_task

from widget import sessions


@shared_task(name="widget.tasks.forget_outdated_sessions")
def forget_outdated_sessions() -> None:
    sessions.forget_outdated()
