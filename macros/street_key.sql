{#- Street, house number and postal code in the form that is compared; null where one is missing. -#}
{%- macro street_key(address, postal_code, country) -%}
nullif(replace(replace(replace(replace(lower({{ address }}), ' ', ''), '.', ''), ',', ''), '-', ''), '')
            || '|' || nullif(replace(replace(lower({{ postal_code }}), ' ', ''), '-', ''), '')
            || '|' || coalesce({{ country }}, '')
{%- endmacro %}
