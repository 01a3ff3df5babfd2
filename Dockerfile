# Image of Buildbell: docker build --tag buildbell:0.1.0 .
#
# The first stage builds a virtual environment with all dependencies, including the PostgreSQL driver. The second adds it
# to Python, with a user who owns only /data. docs/operating.md explains how to run it.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY commands commands
COPY storage storage
RUN python -m venv /opt/buildbell \
 && /opt/buildbell/bin/python -m pip install --no-cache-dir --disable-pip-version-check '.[postgres]'

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Buildbell" \
      org.opencontainers.image.description="Start, follow and stop Bitrise builds from Slack." \
      org.opencontainers.image.licenses="Apache-2.0"
# The user needs a name, because libpq looks it up.
RUN groupadd --gid 10001 buildbell \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin buildbell \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/buildbell /opt/buildbell
ENV PATH=/opt/buildbell/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    BUILDBELL_HOST=0.0.0.0 \
    BUILDBELL_PORT=3000 \
    BUILDBELL_DATABASE_URL=sqlite:////data/buildbell.db
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 3000
STOPSIGNAL SIGTERM
# http.client ignores proxies in the environment, which must not be used for 127.0.0.1.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import http.client, os, sys; asked = http.client.HTTPConnection('127.0.0.1', int(os.environ['BUILDBELL_PORT']), timeout=4); asked.request('GET', '/readyz'); sys.exit(asked.getresponse().status != 200)"]
ENTRYPOINT ["buildbell"]
CMD ["run"]
