{#- A JSON object of strings from a mapping of names to SQL expressions; null becomes "". -#}
{%- macro json_object(fields) -%}
{{ return(adapter.dispatch('json_object', 'muster')(fields)) }}
{%- endmacro %}

{%- macro default__json_object(fields) -%}
cast(to_json(struct_pack(
            {%- for name, value in fields.items() %}
            {{ name }} := coalesce(cast({{ value }} as string), '')
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        )) as string)
{%- endmacro %}

{%- macro spark__json_object(fields) -%}
to_json(named_struct(
            {%- for name, value in fields.items() %}
            '{{ name }}', coalesce(cast({{ value }} as string), '')
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ))
{%- endmacro %}
