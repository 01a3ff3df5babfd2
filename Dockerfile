# Buildbell as an image: docker build --tag buildbell:0.1.0 .
#
# The first stage makes an environment with all that is needed, PostgreSQL's driver too; the second is Python, that
# environment, and a user who owns /data and nothing else. docs/operating.md says how it is run.
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
# With a name, although a number would do: libpq asks who it runs as.
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
# http.client takes no proxy from the environment, unlike the bot; 127.0.0.1 is behind none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import http.client, os, sys; asked = http.client.HTTPConnection('127.0.0.1', int(os.environ['BUILDBELL_PORT']), timeout=4); asked.request('GET', '/readyz'); sys.exit(asked.getresponse().status != 200)"]
ENTRYPOINT ["buildbell"]
CMD ["run"]
