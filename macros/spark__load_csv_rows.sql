{#- Instead of dbt-spark's own, which fails on a quotation mark and makes the text None of an empty cell. -#}
{%- macro spark__load_csv_rows(model, agate_table) -%}
{%- set types = model.config.column_types -%}
{%- set insert -%}
insert into {{ this.render() }} values
{%- for row in agate_table.rows %}
({%- for column in agate_table.column_names -%}
cast({{ spark_literal(row[column]) }} as {{ types.get(column, adapter.convert_type(agate_table, loop.index0)) }})
{%- if not loop.last %}, {% endif -%}
{%- endfor -%}){% if not loop.last %},{% endif %}
{%- endfor %}
{%- endset -%}
{%- do adapter.add_query(insert, abridge_sql_log=True) -%}
{{ return(insert) }}
{%- endmacro %}

{%- macro spark_literal(value) -%}
{%- if value is none -%}
null
{%- else -%}
'{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endif -%}
{%- endmacro %}
