FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --disable-pip-version-check -r requirements.txt

COPY . .
# The volume that web and workers share starts as a copy of this, owner included.
RUN useradd --system --user-group youragent && install -d -o youragent -g youragent /data
USER youragent
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=8000
EXPOSE 8000
ENTRYPOINT ["bin/run"]
CMD ["web"]
