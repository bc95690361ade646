# Three images that share their layers:
#   docker build --target jobs     -t recast-jobs .       batch jobs: recast train ...
#   docker build --target service  -t recast-service .    the REST service, port 8000:
#     it requires API keys, SERVING_API_KEYS (docs/serving.md), unless
#     SERVING_ALLOW_ANONYMOUS=true
#   docker build --target tracking -t recast-tracking .   the MLflow server, port 5000
# For NVIDIA GPUs add: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt .
RUN pip install -c constraints.txt hatchling && python -m venv /opt/recast
# PyTorch's package index has builds without CUDA, a tenth of the size. Only torch is
# installed from it; its dependencies follow from PyPI with the other packages.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN /opt/recast/bin/pip install -c constraints.txt --no-deps --index-url "$TORCH_INDEX" torch
COPY . .
RUN python -m hatchling build -t wheel -d dist \
 && /opt/recast/bin/pip install -c constraints.txt "$(ls dist/*.whl)[all,postgres,auth,tracing]"

FROM python:3.12-slim AS runtime
RUN useradd --uid 1000 --create-home recast \
 && install -d -o recast -g recast /srv/recast /artifacts /cache
COPY --from=build /opt/recast /opt/recast
ENV PATH="/opt/recast/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    GIT_PYTHON_REFRESH=quiet \
    MPLCONFIGDIR=/tmp/matplotlib
USER 1000:1000
WORKDIR /srv/recast

FROM runtime AS tracking
ENV MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=6 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/health', timeout=3)"]
ENTRYPOINT ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000"]

# Compile the loops that train and forecast, for the processor that builds the image. On
# another processor they are not used until a long training compiles them again.
FROM runtime AS compiled
ENV NUMBA_CACHE_DIR=/home/recast/.cache/numba
RUN python -m forecasting.training

FROM compiled AS jobs
ENTRYPOINT ["recast"]

FROM compiled AS service
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=3)"]
ENTRYPOINT ["recast", "serve", "--host", "0.0.0.0", "--port", "8000"]
