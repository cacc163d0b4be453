"""What other tools call things: their names for our keys and options, so that a habit is answered.

The names are those of Axolotl, LLaMA-Factory, ms-swift, Oumi, torchtune, TRL and Unsloth. What is
spelled like one of our own keys, or is a field of a library's class, needs no row here.
"""

_ROWS = {
    "trainer.learning_rate": "lr learning_rate max_lr base_lr",
    "trainer.num_train_epochs": "epochs num_epochs n_epochs max_epochs num_epoch train_epochs",
    "trainer.max_steps": "steps max_train_steps num_steps total_steps max_iters train_steps "
    "max_steps_per_epoch",
    "trainer.per_device_train_batch_size": "batch_size micro_batch_size train_batch_size "
    "device_batch_size per_gpu_train_batch_size micro_batch bsz batch",
    "trainer.per_device_eval_batch_size": "eval_batch_size per_gpu_eval_batch_size",
    "trainer.gradient_accumulation_steps": "gradient_accumulation grad_accum "
    "accumulate_grad_batches grad_accumulation_steps accumulation_steps grad_acc_steps",
    "trainer.global_batch_size": "effective_batch_size total_batch_size",
    "trainer.warmup_steps": "warmup_ratio warmup num_warmup_steps lr_warmup_steps warmup_fraction",
    "trainer.lr_scheduler_type": "lr_scheduler scheduler lr_schedule scheduler_type schedule",
    "trainer.optim": "optimizer optimizer_name optimizer_type optimiser",
    "trainer.weight_decay": "wd decay",
    "trainer.max_grad_norm": "gradient_clipping grad_clip clip_grad_norm gradient_clip_val "
    "clip_grad max_norm",
    "trainer.max_length": "max_seq_length max_seq_len sequence_len cutoff_len seq_length seq_len "
    "model_max_length sequence_length max_seq block_size max_prompt_length context_length "
    "max_tokens max_sequence_length max_model_len",
    "trainer.train_on": "answer_only train_on_inputs train_on_prompt assistant_only_loss "
    "completion_only_loss mask_prompt train_on_source roles_to_train mask_history loss_scale "
    "train_on_responses_only",
    "trainer.packing": "sample_packing neat_packing packed pack_sequences use_packing eval_packing "
    "pack eval_sample_packing",
    "trainer.group_by_length": "length_grouping train_sampling_strategy",
    "trainer.gradient_checkpointing": "use_gradient_checkpointing activation_checkpointing "
    "enable_gradient_checkpointing enable_activation_checkpointing",
    "trainer.logging_steps": "log_steps log_every_n_steps log_interval log_every logging_interval",
    "trainer.save_steps": "save_strategy saves_per_epoch checkpoint_steps save_interval save_every "
    "checkpointing_steps save_freq",
    "trainer.save_total_limit": "keep_checkpoints max_checkpoints save_only_last",
    "trainer.eval_steps": "eval_strategy evaluation_strategy evals_per_epoch eval_every "
    "eval_interval eval_freq",
    "trainer.eval_suites": "eval_metrics compute_metrics eval_callbacks",
    "trainer.eval_samples": "eval_table_size max_eval_samples eval_num_samples eval_max_samples",
    "trainer.load_best_model_at_end": "load_best load_best_model save_best save_best_only "
    "restore_best_weights",
    "trainer.metric_for_best_model": "best_metric monitor best_model_metric greater_is_better "
    "save_best_metric",
    "trainer.early_stopping_patience": "early_stopping patience early_stop early_stop_patience "
    "early_stopping_rounds early_stop_interval early_stopping_steps",
    "trainer.early_stopping_threshold": "min_delta early_stopping_min_delta early_stop_threshold",
    "peft": "adapter finetuning_type sft_type train_type tuner_type tuner method use_peft "
    "finetune_type peft_type peft_method full_finetuning lora qlora use_lora adapter_type",
    "peft.r": "lora_r lora_rank rank lora_dim",
    "peft.alpha": "lora_alpha scaling_alpha",
    "peft.dropout": "lora_dropout",
    "peft.target_modules": "lora_target lora_target_modules lora_target_linear lora_modules "
    "target_layers lora_attn_modules",
    "peft=dora": "use_dora peft_use_dora use_doras",
    "peft=rslora": "use_rslora peft_use_rslora",
    "peft=pissa": "pissa_init",
    "peft=lora": "init_lora_weights",
    "peft.last_layers": "freeze_trainable_layers num_layers_to_train unfrozen_layers",
    "peft.modules": "freeze_trainable_modules unfrozen_parameters",
    "peft.extra.modules_to_save": "lora_modules_to_save additional_target",
    "quantization": "bnb_config quant quantization_config quant_method quantization_method "
    "quantize bnb_4bit_quant_type quantization_bit quant_bits q_lora_bits bits "
    "bnb_quantization_config",
    "quantization=nf4": "load_in_4bit q_lora use_4bit",
    "quantization=int8": "load_in_8bit use_8bit",
    "quantization.double_quant": "double_quantization bnb_4bit_use_double_quant "
    "use_bnb_nested_quant use_double_quant",
    "quantization.storage": "bnb_4bit_quant_storage",
    "model.path": "base_model model_name_or_path model_name model_id model_path pretrained_model "
    "model_id_or_path pretrained_model_name_or_path base_model_name model_dir checkpoint "
    "base_model_name_or_path hf_model",
    "model.revision": "revision_of_model model_revision",
    "model.dtype": "torch_dtype torch_dtype_str",
    "model.attn_implementation": "flash_attn flash_attention attn_impl attention_implementation "
    "sdp_attention use_flash_attention_2 use_flash_attention attention eager_attention "
    "xformers_attention flash_attn_2",
    "model.chat_template": "template chat_template_path chat_template_jinja conversation_template",
    "model.special_tokens": "additional_special_tokens added_tokens tokens_to_add add_tokens "
    "new_special_tokens extra_special_tokens",
    "model.from_run": "adapter_name_or_path lora_model_dir resume_adapter adapter_path "
    "adapter_model adapters",
    "dataset.path": "train_file data_path dataset_path dataset_name data_files train_data data "
    "train_dataset dataset_dir dataset_id data_file train_path training_data",
    "dataset=mix": "train_datasets interleave_probs mix_strategy dataset_mixture mixture datasets",
    "dataset.validation_path": "val_dataset validation_file eval_dataset val_file eval_file "
    "test_datasets valid_data eval_path val_data",
    "dataset.test_path": "test_file test_dataset",
    "dataset.split.validation": "val_set_size val_size validation_split val_split valid_size "
    "eval_split validation_size split_dataset_ratio validation_ratio",
    "dataset.split.test": "test_size test_split test_set_size",
    "dataset.system": "system_prompt system default_system system_message",
    "dataset.template": "prompt_template prompt_style instruction_template",
    "dataset.columns": "column_mapping field_messages field_instruction field_output columns "
    "message_property_mappings text_column dataset_text_field text_field",
    "dataset.max_samples": "max_train_samples num_samples sample_size n_samples limit",
    "dataset.on_overlong": "truncation_strategy truncation truncate excess_length_strategy",
    "dataset.max_malformed": "on_faulty",
    "dataset.hub_split": "dataset_train_split train_split",
    "dataset.subset": "dataset_config dataset_config_name dataset_subset",
    "cleaning=[exact_duplicates]": "dedup deduplicate dataset_exact_deduplication",
    "hardware.device": "use_cpu no_cuda cuda accelerator",
    "hardware.precision": "bf16 fp16 mixed_precision dtype precision half",
    "hardware.processes": "nproc_per_node n_gpu num_gpus gpus num_processes world_size "
    "num_devices ngpus nproc devices",
    "hardware.num_machines": "nnodes num_nodes nodes",
    "hardware.main_process_ip": "master_addr",
    "hardware.main_process_port": "master_port",
    "hardware.memory_gb": "max_memory gpu_memory vram",
    "strategy": "deepspeed fsdp_config parallelism distributed distributed_strategy "
    "enable_fsdp deepspeed_config use_deepspeed distributed_type",
    "strategy=zero3": "zero_stage deepspeed_stage zero3_init_flag",
    "tracking": "report_to logger log_with trackers loggers enable_wandb",
    "tracking=wandb": "use_wandb wandb",
    "tracking=mlflow": "use_mlflow",
    "tracking=tensorboard": "enable_tensorboard use_tensorboard",
    "tracking.project": "wandb_project run_project project_name wandb_project_name",
    "tracking.entity": "wandb_entity",
    "tracking.mode": "wandb_mode",
    "tracking.tracking_uri": "mlflow_tracking_uri",
    "tracking.log_model": "wandb_log_model log_checkpoint hf_mlflow_log_artifacts",
    "eval": "metrics evaluation eval_suites do_eval benchmarks do_bench_eval "
    "predict_with_generate",
    "eval.qa.max_new_tokens": "generation_max_length eval_max_new_tokens num_predict",
    "eval.qa.max_samples": "eval_limit",
    "eval.qa.temperature": "do_sample",
    "eval.qa.stop": "stop_words stop_sequences stop_strings",
    "eval.lm_eval.tasks": "lm_eval_tasks tasks eval_task eval_tasks task_list",
    "eval.lm_eval.num_fewshot": "num_fewshot n_shot n_shots fewshot",
    "export": "save_format export_format export_dir save_method save_adapter_only",
    "export=[adapter]": "save_adapter lora_out to_peft_format",
    "export=[merged]": "merge merge_adapter merge_and_unload merge_lora merged_lora_dir "
    "save_pretrained_merged save_final_model",
    "export.merged.max_shard_size": "export_size",
    "export=[gguf]": "gguf save_gguf save_pretrained_gguf convert_to_gguf llama_cpp "
    "gguf_export export_gguf to_gguf",
    "export.gguf.llama_cpp": "llama_cpp_path llama_cpp_dir",
    "export.gguf.types": "gguf_types gguf_type gguf_quantization outtype quantization_methods "
    "first_conversion",
    "export=[ollama]": "ollama modelfile create_modelfile save_to_ollama "
    "to_ollama export_ollama",
    "export.ollama.template": "ollama_template",
    "export.ollama.model": "ollama_model ollama_name ollama_model_name",
    "export.ollama.host": "ollama_host ollama_url ollama_base_url",
    "export.ollama.num_ctx": "num_ctx",
    "export=[vllm]": "vllm",
    "export.vllm.max_model_len": "vllm_max_model_len vllm_maxlen",
    "export.hub.repo_id": "hub_model_id hub_repo_id repo_id push_to_hub_model_id "
    "export_hub_model_id",
    "export.hub.private": "hub_private_repo hub_private",
    "runs_dir": "output_dir save_dir out_dir checkpoint_dir output_path logging_dir results_dir",
    "seed": "random_seed random_state data_seed rng_seed manual_seed",
    "objective": "metric",
    "consent.remote_code": "trust_remote_code remote_code allow_remote_code",
    "consent.push_to_hub": "push_to_hub push upload_to_hub push_adapter_to_hub push_to_hub_merged "
    "push_to_hub_gguf",
}  # fmt: skip

MEANT = {word: key for key, words in _ROWS.items() for word in words.split()}

TOLD = {
    word: why
    for why, words in {
        "a token is no setting; set HF_TOKEN, or log in: hf auth login":
            "hub_token hf_token",
        "a run pushes once, what its exports' gates let through: export=[merged,hub]":
            "hub_strategy hub_always_push hub_revision",
        "write python -m ftrecipe resume RUN_DIR":
            "resume_from_checkpoint resume auto_resume_from_checkpoints resume_path",
        "a run has a folder of its own, and no other run's is written over":
            "overwrite_output_dir run_name exp_name experiment_name",
        "python -m ftrecipe runs all stages; write python -m ftrecipe evaluate RUN_DIR for one":
            "do_train do_predict stage",
        "serving is no part of a run: python -m ftrecipe serve RUN_DIR, or export=[vllm], whose "
        "serve.sh takes vLLM's own flags":
            "infer_backend served_model_name api_key host port enable_lora tensor_parallel_size "
            "vllm_tensor_parallel_size vllm_enforce_eager gpu_memory_utilization "
            "vllm_gpu_memory_utilization vllm_max_lora_rank max_lora_rank keep_alive eval_backend",
        "exports are quantized as GGUF: export=[gguf] export.gguf.types=[q4_k_m]":
            "export_quantization_bit export_quantization_dataset quant_n_samples torchao "
            "save_pretrained_torchao",
        "an export has safetensors, tokenizer, generation config and model card as it is":
            "safe_serialization save_safetensors generation_config create_model_card "
            "export_legacy_format",
        "merging goes layer by layer and needs no device: export=[merged]":
            "merge_device_map export_device maximum_memory_usage",
        "answers are the likeliest tokens, or drawn (eval.<suite>.temperature); there are no beams":
            "num_beams",
        "a run's folder and log are its own; runs_dir=<folder> says where runs go":
            "hydra",
        "prepared data is kept by its content, and made again where anything changed":
            "overwrite_cache dataset_prepared_path cache_dir",
    }.items()
    for word in words.split()
}  # fmt: skip

# llama.cpp's types, and Unsloth's words for some; the nearest that is written here.
_GGUF = {
    word: f"export=[gguf] export.gguf.types=[{kind}]"
    for kind, words in {
        "f16": "f16 not_quantized gguf_f16",
        "bf16": "gguf_bf16",
        "q8_0": "q8_0 q8 fast_quantized gguf_q8_0",
        "q3_k_m": "q3_k_m q3_k_s q3_k_l q3_k q3 q2_k",
        "q4_k_s": "q4_k_s",
        "q4_k_m": "q4_k_m q4_k q4_0 q4_1 q4 iq4_xs iq4_nl quantized gguf_q4_k_m gguf_q4_0",
        "q5_k_s": "q5_k_s",
        "q5_k_m": "q5_k_m q5_k q5_0 q5_1 q5 gguf_q5_k_m",
        "q6_k": "q6_k q6 gguf_q6_k",
    }.items()
    for word in words.split()
}

OPTIONS = {
    "peft": {
        "qlora": "peft=lora quantization=nf4", "none": "peft=full", "freeze_layers": "peft=freeze",
        "lora+": "peft=lora", "prefix": "peft=prefix_tuning", "prompt": "peft=prompt_tuning",
        "ptuning": "peft=p_tuning", "full_finetuning": "peft=full", "null": "peft=full",
    },
    "quantization": {
        "4bit": "quantization=nf4", "4": "quantization=nf4", "bnb_4bit": "quantization=nf4",
        "int4": "quantization=nf4", "8bit": "quantization=int8", "8": "quantization=int8",
        "bnb": "quantization=nf4", "llm_int8": "quantization=int8", "null": "quantization=none",
        "false": "quantization=none", "true": "quantization=nf4", "qlora": "quantization=nf4",
        **_GGUF, "f16": "quantization=none",
        "gptq": "quantization=nf4", "awq": "quantization=nf4", "fp8": "quantization=int8",
    },
    "hardware": {"gpu": "hardware=auto", "cuda": "hardware=auto", "mps": "hardware=cpu",
                 "null": "hardware=auto"},
    "strategy": {
        "deepspeed": "strategy=zero3", "zero": "strategy=zero3", "none": "strategy=single",
        "dp": "strategy=ddp", "fsdp2": "strategy=fsdp", "offload": "strategy=zero3_offload",
        "null": "strategy=auto",
    },
    "dataset": {
        "jsonl": "dataset=auto", "json": "dataset=auto", "csv": "dataset=auto",
        "chat_template": "dataset=messages", "openai": "dataset=messages",
        "chat": "dataset=messages", "conversation": "dataset=sharegpt",
        "qa": "dataset=question_answer", "completion": "dataset=text",
        "input_output": "dataset=prompt_completion",
        "dpo": "dataset=preference", "pretrain": "dataset=text", "raw": "dataset=text",
        "instruct": "dataset=alpaca", "instruction": "dataset=alpaca",
    },
    "eval": {"ppl": "eval=[perplexity]", "accuracy": "eval=[qa]", "exact_match": "eval=[qa]",
             "f1": "eval=[qa]", "loss": "eval=[perplexity]", "none": "eval=[]"},
    "export": {"lora": "export=[adapter]", "safetensors": "export=[merged]", "none": "export=[]",
               "merge": "export=[merged]", "full": "export=[merged]", "peft": "export=[adapter]",
               "merged_16bit": "export=[merged]", "merged_4bit": "export=[merged]", **_GGUF,
               "fp16": "export=[merged] export.merged.dtype=float16",
               "true": "export=[adapter]", "false": "export=[]",
               "llama_cpp": "export=[gguf]", "llamacpp": "export=[gguf]",
               "modelfile": "export=[ollama]", "huggingface": "export=[hub]",
               "hf": "export=[hub]", "push_to_hub": "export=[hub]"},
    "tracking": {"tb": "tracking=tensorboard", "null": "tracking=none", "false": "tracking=none",
                 "weights_and_biases": "tracking=wandb"},
    "cleaning": {"dedup": "cleaning=[exact_duplicates]", "minhash": "cleaning=[near_duplicates]",
                 "pii": "cleaning=[personal_data]", "none": "cleaning=[]"},
}  # fmt: skip

VERBS = {
    word: verb
    for verb, words in {
        "run": "train finetune fine_tune tune fit start pretrain sweep launch",
        "export": "merge merge_lora convert_to_gguf quantize push save publish upload",
        "evaluate": "eval evaluation bench benchmark",
        "chat": "infer inference generate predict talk ask cli",
        "serve": "deploy api server",
        "check": "preprocess validate data prepare audit",
        "plan": "dry_run estimate explain",
        "runs": "list ls history",
    }.items()
    for word in words.split()
}


def meant(word: str) -> str:
    """Return our key, or choice, for another tool's name of it; nothing if there is none."""
    plain = word.lower().replace("-", "_")
    return MEANT.get(word) or MEANT.get(plain, "")


def told(word: str) -> str:
    """Return why there is no key for another tool's name, nothing if there is one or none known."""
    return TOLD.get(word.lower().replace("-", "_"), "")
