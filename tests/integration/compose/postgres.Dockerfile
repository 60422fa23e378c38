# Stands in for postgres:16 where no image can be pulled; Debian's is 15.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends postgresql >/dev/null \
  && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data
RUN mkdir -p "$PGDATA" && chown postgres:postgres "$PGDATA"
COPY tests/integration/compose/postgres-entrypoint.sh /usr/local/bin/
USER postgres
CMD ["sh", "/usr/local/bin/postgres-entrypoint.sh"]
