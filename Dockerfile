# One image for both commands: `larimar-exporter` (the default) and `larimar-detector`. The steps are the Makefile's.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make runtime VENV=/opt/larimar REQUIREMENTS=requirements-runtime.lock SOURCE=.

FROM python:3.11-slim-bookworm
COPY --from=build /opt/larimar /opt/larimar
ENV PATH=/opt/larimar/bin:$PATH PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10177 --home-dir /var/lib/larimar --create-home larimar
WORKDIR /var/lib/larimar
# The detector needs no more. The exporter sees packets and other users' processes only with NET_RAW, NET_ADMIN,
# SYS_PTRACE and DAC_READ_SEARCH; container runtimes give added capabilities to user 0 alone, so deploy/ runs it as 0 with just these.
USER 10177
EXPOSE 10177 10178
CMD ["larimar-exporter"]
