# Stands in for redis:7 where no image can be pulled.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends redis-server redis-tools >/dev/null \
  && rm -rf /var/lib/apt/lists/*
USER redis
CMD ["redis-server", "--protected-mode", "no", "--bind", "0.0.0.0"]
