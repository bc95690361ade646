"""The model registry as jobs and service both write and read it; knows MLflow alone.

errors     no such model, version or alias
addresses  addresses of runs and versions in MLflow's UI; URIs without passwords
locks      locks between processes of this machine, such as that of a model's alias
search     versions of a model, and the numbers in their tags
aliases    aliases: their history, promotion and rollback
"""
